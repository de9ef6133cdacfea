package options

import (
	"errors"
	"slices"
	"strings"

	"github.com/tonistiigi/go-csvvalue"
)

// Build holds the general options of a build, with buildx's names and meanings.
type Build struct {
	Progress    string
	Retries     uint
	Secrets     []string // as buildctl's --secret
	SSH         []string // as buildctl's --ssh
	Args        []KeyValue
	Labels      []KeyValue
	Annotations []ImageAnnotation
}

var progressModes = []string{"auto", "tty", "plain", "quiet", "rawjson"}

// Group returns the rows of the table.
func (b *Build) Group() Group {
	return Group{
		Name: "build", Title: "How a build runs", Commands: []string{"solve", "graph"},
		Options: ignoredByGraph([]Option{
			{Name: "progress", Value: "MODE", Default: "auto", Choices: progressModes, into: oneOf(&b.Progress, progressModes...),
				Help: "Progress output: auto, tty, plain, quiet or rawjson"},
			{Name: "retries", Value: "N", Default: "2", into: count(&b.Retries),
				Help: "How often to try again after a lost connection or an error of a registry"},
			{Name: Secret, Value: "id=ID,src=FILE", into: parsed(&b.Secrets, parseSecret),
				Help: "Secret of the build; npmrc, yarnrc, netrc, pip.conf and apt-auth are mounted where tools read them"},
			{Name: SSH, Value: "default[=SOCKET|KEY,...]", into: texts(&b.SSH),
				Help: "SSH agent or keys for steps that fetch from repositories"},
			{Name: "build-arg", Value: "NAME=VALUE", into: parsed(&b.Args, parseKeyValue),
				Unset: "the environment's", Help: "HTTP_PROXY, HTTPS_PROXY, NO_PROXY, ALL_PROXY, FTP_PROXY, SOURCE_DATE_EPOCH, BUILDKIT_DOCKERFILE_CHECK, or a name below args in the runtime file"},
			{Name: Label, Value: "KEY=VALUE", into: parsed(&b.Labels, parseKeyValue),
				Help: "Label of the source image; KEY alone is an empty label, as in buildx"},
			{Name: Annotation, Value: "[LEVEL:]KEY=VALUE", into: parsed(&b.Annotations, parseAnnotation),
				Help: "Annotation of the source image; LEVEL is manifest, manifest-descriptor, index or index-descriptor"},
		}, "progress", "retries"),
	}
}

var errNoSecret = errors.New("must be id=ID,src=FILE or id=ID,env=VARIABLE")

// parseSecret checks the form of a secret. The value may hold a secret by mistake, so errors do not repeat it.
func parseSecret(text string) ([]string, error) {
	fields, err := csvvalue.Fields(text, nil)
	if err != nil {
		return nil, &Error{Secret: true, Err: err}
	}
	for _, field := range fields {
		key, _, ok := strings.Cut(field, "=")
		if !ok || !slices.Contains([]string{"id", "type", "src", "source", "env"}, strings.ToLower(key)) {
			return nil, &Error{Secret: true, Err: errNoSecret}
		}
	}
	return []string{text}, nil
}

// Caches are the caches to import and export, with buildx's names and meanings.
type Caches struct {
	From, To []string // as buildctl's --import-cache and --export-cache
}

// The kinds of caches that BuildKit imports and exports.
var (
	importTypes = []string{"registry", "local", "gha", "s3", "azblob"}
	exportTypes = []string{"registry", "inline", "local", "gha", "s3", "azblob"}
)

// Group returns the rows of the table.
func (c *Caches) Group() Group {
	return Group{
		Name: "caches", Title: "Caches of builders", Commands: []string{"solve", "graph"},
		Options: ignoredByGraph([]Option{
			{Name: CacheFrom, Value: "REFERENCE|type=TYPE,...", into: parsed(&c.From, parseCache(importTypes)),
				Choices: []string{"type=registry,", "type=local,", "type=gha,", "type=s3,", "type=azblob,"},
				Help:    "Cache of another builder to use; TYPE is " + alternatives(importTypes)},
			{Name: CacheTo, Value: "REFERENCE|type=TYPE,...", into: parsed(&c.To, parseCache(exportTypes)),
				Choices: []string{"type=registry,", "type=inline", "type=local,", "type=gha,", "type=s3,", "type=azblob,"},
				Help:    "Where to write the cache for other builders; TYPE is " + alternatives(exportTypes)},
		}),
	}
}

// parseCache returns the parser for caches of some types. As in buildx, a value without "=" is a list of references.
func parseCache(types []string) func(string) ([]string, error) {
	return func(text string) ([]string, error) {
		fields, err := csvvalue.Fields(text, nil)
		if err != nil {
			return nil, wrong(text, "%w", err)
		}
		if strings.Contains(text, "=") {
			return []string{text}, checkCache(text, fields, types)
		}
		for i, ref := range fields {
			fields[i] = "type=registry,ref=" + ref
		}
		return fields, nil
	}
}

// checkCache returns an error unless the fields of a cache are pairs, and one of them is a known type.
func checkCache(text string, fields, types []string) error {
	kind := ""
	for _, field := range fields {
		key, v, ok := strings.Cut(field, "=")
		if !ok {
			return wrong(text, "%q must be KEY=VALUE", field)
		}
		if strings.EqualFold(key, "type") {
			kind = v
		}
	}
	switch {
	case kind == "":
		return wrong(text, "type= is missing, as in type=registry,ref=REFERENCE")
	case !slices.Contains(types, kind):
		return wrong(text, "type= must be %s, not %q", alternatives(types), kind)
	}
	return nil
}

// Outputs are the exports of a build, with buildx's names and meanings.
type Outputs struct {
	Outputs      []string
	Tags         []string // further references of the source image, with a tag each
	Push, Load   bool
	MetadataFile string
	IIDFile      string
}

// Group returns the rows of the table.
func (o *Outputs) Group() Group {
	return Group{
		Name: "outputs", Title: "Where results go", Commands: []string{"solve"},
		Options: []Option{
			{Name: Output, Short: "o", Value: "type=TYPE,...|DIR", Completes: AnyFile, into: texts(&o.Outputs),
				Help: "Export the image, such as type=oci,dest=FILE, or to a directory; nothing is published without --push"},
			{Name: Tag, Short: "t", Value: "NAME[:TAG]", into: parsed(&o.Tags, parseTag),
				Help: "Further name of the source image; latest without TAG"},
			{Name: "push", into: boolean(&o.Push),
				Help: "Publish, also with -o or --load"},
			{Name: "load", into: boolean(&o.Load),
				Help: "Load the image into Docker"},
			{Name: "metadata-file", Value: "FILE", Completes: AnyFile, into: text(&o.MetadataFile),
				Help: "Write what the exports returned to a file, as JSON"},
			{Name: "iidfile", Value: "FILE", Completes: AnyFile, into: text(&o.IIDFile),
				Help: "Write the image's digest to a file"},
		},
	}
}
