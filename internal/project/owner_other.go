//go:build !unix

package project

// ownedByUser reports true: the system's files have no user ids.
func ownedByUser(string) bool { return true }
