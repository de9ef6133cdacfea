package options

// Builder selects the builder, and configures connections to it and to registries.
type Builder struct {
	Addr           string
	Name           string // of a builder of docker buildx create
	TLS            TLS
	RegistryConfig string
	CAFile         string
	Debug          bool
}

// TLS configures mutual TLS with a builder. All fields but Dir and ServerName are files.
type TLS struct{ CACert, Cert, Key, ServerName, Dir string }

// Group returns the rows of the table.
func (b *Builder) Group() Group {
	return Group{
		Name: "builder", Title: "Where images are built", Commands: []string{"plan", "solve", "graph", "doctor"},
		Options: []Option{
			{Name: "addr", Value: "ADDRESS", into: text(&b.Addr),
				Unset: "BUILDX_BUILDER, BUILDKIT_HOST, buildx's current builder, a running buildkitd, the Docker engine, a private one",
				Help:  "Address of buildkitd; docker:// is the Docker engine, docker://CONTEXT that of another context"},
			{Name: BuilderName, Value: "NAME", into: text(&b.Name),
				Unset: "BUILDX_BUILDER", Help: "Builder of docker buildx create, or a context of docker"},
			{Name: "tlscacert", Value: "FILE", Completes: AnyFile, into: text(&b.TLS.CACert),
				Help: "CA certificate for the connection to the builder"},
			{Name: "tlscert", Value: "FILE", Completes: AnyFile, into: text(&b.TLS.Cert),
				Help: "Client certificate for the connection to the builder"},
			{Name: "tlskey", Value: "FILE", Completes: AnyFile, into: text(&b.TLS.Key),
				Help: "Client key for the connection to the builder"},
			{Name: "tlsservername", Value: "NAME", into: text(&b.TLS.ServerName),
				Help: "Name in the builder's certificate"},
			{Name: "tlsdir", Value: "DIR", Completes: Directories, into: text(&b.TLS.Dir),
				Help: "Directory with ca.pem, cert.pem and key.pem"},
			{Name: "registry-config", Value: "DIR", Completes: Directories, into: text(&b.RegistryConfig),
				Help: "Directory of hosts.toml files, as containerd reads it; rtbuild-client and the private builder use it",
				Also: map[string]string{"diff": "Directory of hosts.toml files, as containerd reads it"}},
			{Name: CAFile, Value: "FILE", Completes: AnyFile, Instead: "--secret id=rtbuild-ca,src=FILE", into: text(&b.CAFile),
				Help: "PEM file of further certificate authorities that rtbuild-client, build steps and the private builder trust",
				Also: map[string]string{"diff": "PEM file of further certificate authorities to trust"}},
			{Name: "debug", into: boolean(&b.Debug),
				Help: "Print debug output"},
		},
	}
}
