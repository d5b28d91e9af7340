package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// telegram sends a message of a bot to a chat. At most 4096 characters, about one a
// second and twenty a minute in a group; who sends more is told how long to wait.
//
//	POST /bot<TOKEN>/sendMessage
//	{"chat_id":"-100123","text":"<b>unexpected: bot: ...</b>\n<pre>...</pre>","parse_mode":"HTML",...}
//	429 {"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}
//
// https://core.telegram.org/bots/api#sendmessage
var telegram = Kind{
	Name: "telegram", Short: "a chat of Telegram, by a bot",
	Keys: []Key{
		{Name: "chat", Short: "number of the chat (quoted, -100... for groups) or @channel", Required: true},
		{Name: "token", Short: "of the bot, from @BotFather", Required: true, Secret: true},
		{Name: "topic", Short: "number of the topic in a forum"},
		{Name: "api", Short: "URL of the API (default https://api.telegram.org)"},
		caKey,
	},
	Pace: Pace{
		Batch: 1000, Window: 30 * time.Second, Gap: time.Second, Rate: learn.Rate{Count: 20, Per: time.Minute},
		Timeout: 20 * time.Second, Statuses: forPeople,
	},
	Open: openTelegram,
}

// forPeople are the statuses that a person is told of, unless they ask for more.
var forPeople = []string{enforce.StatusNew, enforce.StatusMore, enforce.StatusPersistent}

// telegramText is how long a text may be, in UTF-16 units after HTML is read; it is
// measured in bytes here, which are never fewer.
const telegramText = 4096

type telegramSink struct {
	*poster
	url, chat string
	topic     int
}

func openTelegram(s *Settings) (Sink, error) {
	token, err := s.secret("token")
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(token, "/?# \n") {
		return nil, s.wrong("token_file", "it holds no token of a bot, such as 123456:ABC-DEF")
	}
	u, err := s.address("api", "https://api.telegram.org")
	if err != nil {
		return nil, err
	}
	t := &telegramSink{chat: s.text("chat", ""), url: strings.TrimSuffix(u.String(), "/") + "/bot" + token + "/sendMessage"}
	if topic := s.text("topic", ""); topic != "" {
		if t.topic, err = strconv.Atoi(topic); err != nil {
			return nil, s.wrong("topic", "%q: want a number", learn.Printable(topic))
		}
	}
	t.poster, err = s.poster(token)
	return t, err
}

// A telegramSaid is an answer of the API.
type telegramSaid struct {
	OK          bool   `json:"ok"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter int64 `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
	Result struct {
		ID int64 `json:"message_id"`
	} `json:"result"`
}

// Send implements [Sink].
func (t *telegramSink) Send(ctx context.Context, m *Message) (string, error) {
	d := doc{
		"chat_id": t.chat, "text": telegramHTML(m), "parse_mode": "HTML",
		"link_preview_options": doc{"is_disabled": true}, "disable_notification": rank(m.worst()[0]) < 2,
	}
	d.put("message_thread_id", t.topic)
	body, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write alert: %w", err)
	}
	answer, text, err := t.post(ctx, t.url, body, map[string]string{"Content-Type": "application/json"})
	var said telegramSaid
	unread := json.Unmarshal(text, &said)
	switch {
	case err != nil:
		return answer, said.explain(err)
	case unread != nil || !said.OK:
		return answer, &PeerError{Answer: answer}
	}
	return fmt.Sprintf("taken as message %d", said.Result.ID), nil
}

// explain adds what only the body of the answer says.
func (s *telegramSaid) explain(err error) error {
	peer, ok := errors.AsType[*PeerError](err)
	if !ok {
		return err
	}
	if status, _, ok := strings.Cut(peer.Answer, ": "); ok && s.Description != "" {
		peer.Answer = status + ": " + s.Description
	}
	if s.Parameters.RetryAfter > 0 {
		peer.After = time.Duration(s.Parameters.RetryAfter) * time.Second
	}
	switch {
	case s.Parameters.MigrateTo != 0:
		return learn.WithHint(err, "the group has a new number: chat: \"%d\"", s.Parameters.MigrateTo)
	case strings.HasPrefix(peer.Answer, strconv.Itoa(http.StatusUnauthorized)):
		return learn.WithHint(err, "the token is not that of a bot: ask @BotFather for it")
	case strings.Contains(s.Description, "chat not found"), strings.HasPrefix(peer.Answer, strconv.Itoa(http.StatusForbidden)):
		return learn.WithHint(err, "write to the bot once, or add it to the group, and see that the number of the chat is right")
	}
	return err
}

var telegramEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// telegramHTML is a message in the few tags that Telegram knows.
func telegramHTML(m *Message) string {
	title := cut(m.Title(), 300)
	body := m.Body(telegramText - len(title) - 2*len("...\n") - len(andMore(1e6)))
	return "<b>" + telegramEscape.Replace(title) + "</b>\n<pre>" + telegramEscape.Replace(body) + "</pre>"
}

// Close implements [Sink].
func (t *telegramSink) Close() error { return t.close() }
