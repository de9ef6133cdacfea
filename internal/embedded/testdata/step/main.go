// Command step is what a build runs in the tests: it makes a file of a user that must be mapped to exist.
package main

import (
	"fmt"
	"os"
)

func main() {
	err := os.WriteFile("/made", []byte("by a step\n"), 0o644)
	if err == nil {
		err = os.Chown("/made", 65534, 65534)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
