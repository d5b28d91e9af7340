//go:build !linux

package sandbox

import "context"

// Enter runs what this program does inside of a sandbox, if it was started for
// that; here it never is.
func Enter([]string) (status int, entered bool) { return 0, false }

// Run returns [ErrNotSupported].
func Run(context.Context, Options) (Result, error) {
	return Result{}, &Error{StatusFailed, ErrNotSupported}
}
