package frontend

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	bklint "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	bktargets "github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/llb"
)

// subrequest answers a request that builds nothing: buildx's --call and --check. It returns false if the request is a build.
func (f *frontend) subrequest(ctx context.Context) (*gateway.Result, bool, error) {
	if f.ui.BuildOpts().Opts[requestKey] == subrequests.RequestSubrequestsDescribe {
		res, err := describeSubrequests()
		return res, true, err
	}
	return f.ui.HandleSubrequest(ctx, dockerui.RequestHandler{
		Outline: f.outline, ListTargets: f.listTargets, Lint: f.lint,
	})
}

// requestKey is the option that names a subrequest.
const requestKey = "requestid"

// describeSubrequests answers --call=subrequests.describe. dockerui's answer omits the check.
func describeSubrequests() (*gateway.Result, error) {
	described := subrequests.SubrequestsDescribeDefinition
	data, err := json.MarshalIndent([]subrequests.Request{
		outline.SubrequestsOutlineDefinition, bktargets.SubrequestsTargetsDefinition, bklint.SubrequestLintDefinition, described,
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(data, &text); err != nil {
		return nil, err
	}
	res := gateway.NewResult()
	res.AddMeta("result.json", data)
	res.AddMeta("result.txt", text.Bytes())
	res.AddMeta("version", []byte(described.Version))
	return res, nil
}

// listTargets answers --call=targets.
func (f *frontend) listTargets(context.Context) (*bktargets.List, error) {
	list := &bktargets.List{Sources: [][]byte{f.file.source.Data}}
	for _, t := range targets() {
		list.Targets = append(list.Targets, bktargets.Target{
			Name: t.name, Description: t.about, Default: t.name == defaultTarget,
			Location: &pb.Location{Ranges: ranges(1, 1)},
		})
	}
	return list, nil
}

// outline answers --call=outline: the parameters of a build, with their current values.
func (f *frontend) outline(ctx context.Context) (*outline.Outline, error) {
	t, err := targetOf(f.ui.Target)
	if err != nil {
		return nil, err
	}
	j, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	runtime := map[string]string{
		"base": j.runtime.Base, "profile": j.runtime.Profile, "repository": j.runtime.Repository, "version": j.runtime.Version, "extra": j.runtime.Extra,
	}
	o := &outline.Outline{
		Name: t.name, Sources: [][]byte{f.file.source.Data},
		Description: t.about + ". Contexts: base (an image in place of the base), deps (the deps image to build on), source (the project's root)",
	}
	for _, known := range options.Arguments() {
		arg := outline.Arg{Name: known.Arg, Description: known.Description()}
		switch {
		case known.Field != "":
			first, last := f.file.lines(known.Field)
			arg.Value, arg.Location = runtime[known.Field], &pb.Location{Ranges: ranges(first, last)}
		case !known.Secret:
			arg.Value = f.ui.BuildArgs[known.Arg]
		}
		o.Args = append(o.Args, arg)
	}
	for _, id := range llb.Secrets() {
		o.Secrets = append(o.Secrets, outline.Secret{Name: id})
	}
	o.SSH = []outline.SSH{{Name: "default"}}
	return o, nil
}
