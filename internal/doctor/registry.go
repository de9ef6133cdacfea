package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// authorities checks the certificate authorities that build steps will trust.
func authorities(caFile string) Finding {
	const name = "CA bundle"
	found := trust.HostBundle()
	if caFile != "" {
		found = strings.TrimPrefix(found+" and "+caFile, " and ")
	}
	if _, err := trust.Bundle(caFile); err != nil {
		return missing(name, "", err)
	}
	if found == "" {
		return Finding{Name: name, Status: Note, Hint: "none found, so build steps use those of the base image: apt-get install ca-certificates"}
	}
	return Finding{Name: name, Status: OK, Found: found}
}

// privateRegistry checks the private registry without starting it.
func (o Options) privateRegistry(ctx context.Context) Finding {
	const name = "private registry"
	if !embedded.Supported() {
		return Finding{Name: name, Status: Note, Hint: "it runs on Linux only; give --repository HOST/PATH"}
	}
	status, err := embedded.Inspect(ctx, o.Destination.Private)
	if err == nil {
		err = status.Problem
	}
	if err != nil {
		return missing(name, "", err)
	}
	state := "not running, its port is free"
	if status.Running {
		state = fmt.Sprintf("served by process %d", status.PID)
	}
	return Finding{Name: name, Status: OK, Found: fmt.Sprintf("%s, %s, data in %s", status.Registry, state, status.Data)}
}

// mayPush checks the right to push to the repository.
func (o Options) mayPush(ctx context.Context) error {
	d, err := o.destination()
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.LeasePrivate(ctx); err != nil {
		return err
	}
	if err := d.CheckPush(ctx); err != nil {
		return &PushError{err}
	}
	return nil
}

func repository(name string, err error) Finding {
	if err != nil {
		return missing("repository", name, err)
	}
	return Finding{Name: "repository", Status: OK, Found: name + " accepts pushes"}
}
