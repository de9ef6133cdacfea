// Command step is what a build runs in the tests: it makes a file of a user that must be mapped to exist. With an argument, it runs
// until it is killed.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 {
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		fmt.Println("runs until it is killed")
		for {
			_ = syscall.Pause()
		}
	}
	err := os.WriteFile("/made", []byte("by a step\n"), 0o644)
	if err == nil {
		err = os.Chown("/made", 65534, 65534)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
