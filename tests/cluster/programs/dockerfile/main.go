// Checks Dockerfiles by what builds them: whether BuildKit parses them and can plan the build, and its lint rules, as the
// directive `check` in them has it. Base images are not fetched. It prints what is wrong, and fails if there is anything.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
)

// bases answers for every base image that there is one.
type bases struct{}

func (bases) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"os": "linux", "architecture": "amd64", "config": {"Env": ["PATH=/usr/bin:/bin"]}}`)
	return ref, digest.FromBytes(config), config, nil
}

// faults returns what is wrong with a Dockerfile, a line each.
func faults(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	source := llb.NewSourceMap(nil, path, "Dockerfile", text)
	source.Definition = &llb.Definition{}
	options := dockerfile2llb.ConvertOpt{SourceMap: source, MetaResolver: bases{}}
	results, err := dockerfile2llb.DockerfileLint(context.Background(), text, options)
	if err != nil {
		return nil, err
	}
	var lines []string
	if results.Error != nil {
		lines = append(lines, results.Error.Message)
	}
	for _, warning := range results.Warnings {
		line := int32(0)
		if ranges := warning.Location.GetRanges(); len(ranges) > 0 {
			line = ranges[0].GetStart().GetLine()
		}
		lines = append(lines, fmt.Sprintf("%s:%d: %s: %s", path, line, warning.RuleName, warning.Detail))
	}
	return lines, nil
}

func main() {
	failed := false
	for _, path := range os.Args[1:] {
		lines, err := faults(path)
		if err != nil {
			lines = append(lines, err.Error())
		}
		for _, line := range lines {
			fmt.Println(line)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
