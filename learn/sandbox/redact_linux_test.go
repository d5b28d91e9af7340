package sandbox

import (
	"slices"
	"strings"
	"testing"
)

// Each secret here has "hunter" in it, and nothing else has.
func TestSecretsAreTakenOutOfArguments(t *testing.T) {
	const mixed = "aB3hunterXy9Kq7Lm2Np4Rs6Tu" // as those that a program makes
	for _, args := range [][]string{
		{"agent", "--token=hunter2"},
		{"agent", "--token", "hunter2"},
		{"agent", "-api-key", "hunter 2"},
		{"agent", "--passphrase", "hunter2"},
		{"env", "PASSWORD=hunter2", "true"},
		{"docker", "run", "--env=API_KEY=hunter2", "x"},
		{"docker", "run", "-eTOKEN=hunter2", "x"},
		{"curl", "-H", "Authorization: Bearer hunter2"},
		{"curl", "-HAuthorization: Basic hunter2"},
		{"curl", "--header=X-Api-Key: hunter2"},
		{"curl", "-H", "Cookie: a=hunter1; b=hunter2"},
		{"curl", "-H", "authorization:bearer hunter22"},
		{"curl", "-u", "bob:hunter2", "https://web.example/"},
		{"curl", "-ubob:hunter2"},
		{"curl", "--user=bob:hunter2"},
		{"curl", "--user", "bob:hunter2"},
		{"curl", "--pass", "hunter2"},
		{"curl", "https://bob:hunter2@web.example/"},
		{"psql", "postgres://bob:hunter2@db.example/x?a=b"},
		{"curl", "https://web.example/?token=hunter2&a=b"},
		{"curl", "https://web.example/?a=b&sig=hunter2"},
		{"curl", "bob:hunter2@web.example"},
		{"curl", "https://x:" + strings.Repeat("hunter", 900) + "@web.example/"}, // longer than what is looked at
		{"curl", "-d", `{"password":"hunter2"}`},
		{"curl", "-d", `{"user":"bob","password":"hunter2"}`},
		{"curl", "-d", `{"user": "bob", "api_key": "hunter2, 3"}`},
		{"curl", "--data-urlencode", "password=hunter2"},
		{"curl", "-d", "user=bob&password=hunter2&x=y"},
		{"sh", "-c", `curl -H "Authorization: Bearer hunter2" https://web.example/`},
		{"sh", "-c", "curl -u bob:hunter2 https://web.example/"},
		{"sh", "-c", "agent --token hunter2 run"},
		{"sh", "-c", "agent --token 'hunter 2' run"},
		{"sh", "-c", "export TOKEN=hunter2; agent"},
		{"sh", "-c", "x; mysql -phunter2 db"},
		{"sshpass", "-p", "hunter2", "ssh", "bob@web.example"},
		{"sshpass", "-phunter2", "ssh"},
		{"/usr/bin/mysql", "-u", "bob", "-phunter2"},
		{"redis-cli", "-h", "x", "-a", "hunter2"},
		{"docker", "login", "-u", "bob", "-p", "hunter2", "registry.example"},
		{"ldapsearch", "-x", "-w", "hunter2"},
		{"unzip", "-P", "hunter2", "a.zip"},
		{"openssl", "rsa", "-passin", "pass:hunter2"},
		{"python3", "-c", `token = "hunter2"`},
		{"python3", "-c", "password: str = 'hunter2'"},
		{"agent", "sk-hunter2hunter2"},
		{"agent", "x=ghp_hunter2hunter2"},
		{"git", "clone", "https://eyJhunter2hunter2.e30.x@git.example/"},
		{"agent", "AKIAHUNTER2hunter2"},
		{"curl", "https://bots.example/bot123456:" + mixed + "/send"},
		{"curl", "https://hooks.example/services/T0/B0/" + mixed},
		{"agent", "aB3hunter/Xy9Kq7Lm2Np4Rs6Tu8Vw0Xy2Za4Bc6"},
		{"agent", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END"},
		{"npm", "--//registry.example/:_authToken=hunter2"},
	} {
		got := redacted(split([]byte(strings.Join(args, "\x00") + "\x00")))
		if len(got) != len(args) || strings.Contains(strings.ToLower(strings.Join(got, " ")), "hunter") {
			t.Errorf("%q: got %q", args, got)
		}
		if again := redacted(got); !slices.Equal(again, got) {
			t.Errorf("%q again: got %q", got, again)
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, args := range [][]string{
		{"curl", "-s", "https://web.example:8443/a/b?c=d", "-o", "file"},
		{"git", "clone", "git@git.example:bob/repo.git"},
		{"ssh", "-p", "22", "bob@web.example"},
		{"docker", "run", "-p", "8080:80", "--user", "1000:1000", "repo/image:tag@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		{"mkdir", "-p", "a/b"},
		{"python3", "-m", "http.server", "8000"},
		{"python3", "/home/bob/agent.py", "--model", "some-model-2024-05-13", "--verbose"},
		{"node", "--max-old-space-size=4096", "/usr/lib/node_modules/npm/bin/npm-cli.js", "install"},
		{"curl", "auth.web.example:8443"},
		{"agent", "--id", "123e4567-e89b-12d3-a456-426614174000", "0123456789abcdef0123456789abcdef01234567"},
		{"sh", "-c", "cd /tmp && make -j4 all | tee log"},
		{"java", "-cp", "/usr/share/java/Some2Archive3Name.jar", "com.example.VeryLongNameOfSomeClass"},
		{""},
		{"agent", "", "x"},
		{"agent", "--use-keyring", "--verbose"},
	} {
		if got := redacted(split([]byte(strings.Join(args, "\x00") + "\x00"))); !slices.Equal(got, args) {
			t.Errorf("got %q, want %q", got, args)
		}
	}
}

// What arguments hold is hostile.
func FuzzRedacted(f *testing.F) {
	for _, text := range []string{"curl\x00-u\x00a:b", "\x00\x00", "\xff\x1b[31m\x00--token\x00x", "a=b&key=c://d:e@f", `{"password":"x"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		args := split(line)
		got := redacted(args)
		if len(got) != len(args) {
			t.Errorf("%q: got %q", args, got)
		}
		if again := redacted(got); !slices.Equal(again, got) {
			t.Errorf("%q: got %q, and then %q", args, got, again)
		}
	})
}

func BenchmarkRedacted(b *testing.B) {
	args := []string{"/usr/bin/python3", "/home/bob/agent/main.py", "--model", "some-model", "--token=0123456789", "https://web.example/path?a=b"}
	b.ReportAllocs()
	for b.Loop() {
		redacted(args)
	}
}
