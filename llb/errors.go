package llb

import "fmt"

// FieldError is an error that a field of runtime.yaml causes, by its name ("base", "tools.uv").
type FieldError struct {
	Field string
	Err   error
}

func (e *FieldError) Error() string { return e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }

// FieldErrorf is a FieldError with a text, which may wrap an error by %w.
func FieldErrorf(field, format string, args ...any) error {
	return &FieldError{field, fmt.Errorf(format, args...)}
}
