package doctor

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config/configfile"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// credentials lists the registries in Docker's config file, and checks that its credential helpers are in path, a value of PATH.
// It reads no secret from a helper and shows none.
func credentials(path string) []Finding {
	const name, anonymous = "credentials", "; registries are used anonymously"
	file, err := trust.DockerConfig()
	if errors.Is(err, trust.ErrNoHome) {
		return []Finding{{Name: name, Status: Note, Hint: err.Error() + anonymous}}
	}
	if err != nil {
		return []Finding{missing(name, file.Filename, err)}
	}
	if _, err := os.Stat(file.Filename); err != nil {
		return []Finding{{Name: name, Status: Note, Hint: "no " + file.Filename + anonymous}}
	}
	registries := "no registries"
	if len(file.AuthConfigs) > 0 {
		registries = strings.Join(slices.Sorted(maps.Keys(file.AuthConfigs)), ", ")
	}
	return append([]Finding{{Name: name, Status: OK, Found: file.Filename + ": " + registries}}, helpers(path, file)...)
}

// helpers checks the credential helpers that the file names.
func helpers(path string, file *configfile.ConfigFile) []Finding {
	hosts := map[string][]string{}
	for host, helper := range file.CredentialHelpers {
		hosts[helper] = append(hosts[helper], host)
	}
	if file.CredentialsStore != "" {
		hosts[file.CredentialsStore] = append(hosts[file.CredentialsStore], "all other registries")
	}
	var all []Finding
	for _, helper := range slices.Sorted(maps.Keys(hosts)) {
		slices.Sort(hosts[helper])
		program := "docker-credential-" + helper
		f := Finding{Name: "credential helper", Status: OK, Found: program + " for " + strings.Join(hosts[helper], ", ")}
		if !executable(path, program) {
			f.Status, f.Hint = Missing, "it is not in PATH: install it, or remove it from "+file.Filename
		}
		all = append(all, f)
	}
	return all
}

// executable reports whether a directory in path contains the program.
func executable(path, program string) bool {
	return slices.ContainsFunc(filepath.SplitList(path), func(dir string) bool {
		fi, err := os.Stat(filepath.Join(dir, program))
		return err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0
	})
}
