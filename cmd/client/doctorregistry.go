package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// checkTrust looks for the certificate authorities that build steps get.
func (o *doctorOptions) checkTrust() check {
	c := check{Name: "CA bundle", Status: checkOK, Found: trust.HostBundle()}
	if o.place.caFile != "" {
		c.Found = strings.TrimPrefix(c.Found+" and "+o.place.caFile, " and ")
	}
	switch _, err := trust.Bundle(o.place.caFile); {
	case err != nil:
		return check{Name: c.Name, Status: checkMissing, Hint: err.Error()}
	case c.Found == "":
		return check{Name: c.Name, Status: checkNote, Hint: "none found; build steps have the base image's: apt-get install ca-certificates"}
	}
	return c
}

// checkRegistry looks at the registry that comes with the private builder.
func checkRegistry(ctx context.Context) check {
	c := check{Name: "embedded registry", Status: checkOK}
	options, err := embeddedOptions()
	var status *embedded.Status
	if err == nil {
		status, err = embedded.Inspect(ctx, options)
	}
	switch {
	case err != nil:
		c.Status, c.Hint = checkMissing, err.Error()
	case status.Problem != nil:
		c.Status, c.Hint = checkMissing, status.Problem.Error()
	case status.Running:
		c.Found = fmt.Sprintf("%s, served by process %d, data in %s", status.Registry, status.PID, status.Data)
	default:
		c.Found = fmt.Sprintf("%s, not running now, its port is free, data in %s", status.Registry, status.Data)
	}
	return c
}

// checkRepository asks for the right to push to --repository.
func (o *doctorOptions) checkRepository(ctx context.Context) ([]check, error) {
	if o.repository == "" {
		return nil, nil
	}
	c := check{Name: "repository", Status: checkOK, Found: o.repository + " may be pushed to"}
	err := o.mayPush(ctx)
	if err != nil {
		c.Status, c.Found, c.Hint = checkMissing, o.repository, err.Error()
	}
	return []check{c}, err
}

func (o *doctorOptions) mayPush(ctx context.Context) error {
	d, err := o.destination()
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.FindPrivate(ctx); err != nil {
		return err
	}
	return withCode(exitRegistry, d.CheckPush(ctx))
}

// checkCredentials looks at the Docker config file: which registries it names, and whether the helpers that hold the
// secrets are there. It shows no secret, and asks no helper for one.
func checkCredentials(path string) []check {
	file, err := trust.DockerConfig()
	if errors.Is(err, trust.ErrNoHome) {
		return []check{{Name: "credentials", Status: checkNote, Hint: err.Error() + "; registries are asked anonymously"}}
	}
	if err != nil {
		return []check{{Name: "credentials", Status: checkMissing, Found: file.Filename, Hint: err.Error()}}
	}
	name := file.Filename
	if _, err := os.Stat(name); err != nil {
		return []check{{Name: "credentials", Status: checkNote, Hint: "no " + name + "; registries are asked anonymously"}}
	}
	registries := slices.Sorted(maps.Keys(file.AuthConfigs))
	checks := []check{{Name: "credentials", Status: checkOK, Found: name + ": " + listOr(registries, "no registries")}}
	helpers := map[string][]string{}
	for host, helper := range file.CredentialHelpers {
		helpers[helper] = append(helpers[helper], host)
	}
	if file.CredentialsStore != "" {
		helpers[file.CredentialsStore] = append(helpers[file.CredentialsStore], "all other registries")
	}
	for _, helper := range slices.Sorted(maps.Keys(helpers)) {
		hosts := helpers[helper]
		slices.Sort(hosts)
		checks = append(checks, checkHelper(path, "docker-credential-"+helper, name, hosts))
	}
	return checks
}

func checkHelper(path, program, file string, hosts []string) check {
	c := check{Name: "credential helper", Status: checkOK, Found: program + " for " + strings.Join(hosts, ", ")}
	for _, dir := range filepath.SplitList(path) {
		if fi, err := os.Stat(filepath.Join(dir, program)); err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0 {
			return c
		}
	}
	c.Status, c.Hint = checkMissing, "it is not in PATH: install it, or take it out of "+file
	return c
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
