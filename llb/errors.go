package llb

import "fmt"

// FieldError is an error that a field of runtime.yaml causes. Field is its name, such as "base" or "tools.uv".
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }

// FieldErrorf returns a [FieldError] with a formatted text. The format may wrap an error with %w.
func FieldErrorf(field, format string, args ...any) error {
	return &FieldError{field, fmt.Errorf(format, args...)}
}
