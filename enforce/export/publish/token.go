package publish

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tripline/learn"
)

// tokenBytes of chance are in a token: nobody guesses it.
const tokenBytes = 32

// goodToken is one of ours, or another that is long and a word of a path.
var goodToken = regexp.MustCompile(`^[A-Za-z0-9_-]{32,128}$`)

// Token reads the token in a file, which nobody but its owner may read; where there
// is no file it makes one.
func Token(path string) (token string, made bool, err error) {
	token, err = ReadToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, false, err
	}
	token = fresh()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", false, fmt.Errorf("make token: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was first
		token, err = ReadToken(path)
		return token, false, err
	}
	if err != nil {
		return "", false, fmt.Errorf("make token: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", false, errors.Join(fmt.Errorf("make token: %w", err), os.Remove(path))
	}
	return token, true, nil
}

// ReadToken reads the token in a file.
func ReadToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", learn.WithHint(fmt.Errorf("read token: others can read %s (mode %#o)", path, mode), "chmod 600 %s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if !goodToken.MatchString(token) {
		return "", learn.WithHint(fmt.Errorf("read token: %s holds no token, want 32 to 128 letters, digits, - and _", path), "rm %s, and a new one is made", path)
	}
	return token, nil
}

// NewToken puts another token in place of the one in a file.
func NewToken(path string) (string, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("replace token: %w", err)
	}
	token, _, err := Token(path)
	return token, err
}

func fresh() string {
	b := make([]byte, tokenBytes)
	_, _ = rand.Read(b) // never fails, see its documentation
	return hex.EncodeToString(b)
}
