// flux-substitute puts the variables of a Flux Kustomization into built manifests, with the library Flux uses.
//
// It reads a JSON list of builds from standard input and writes a list of answers in the same order:
//
//	[{"variables": {"domain": "example.com"}, "manifests": ["kind: Service\nspec:\n  host: a.${domain}\n"]}]
//	[{"objects": [{"kind": "Service", "spec": {"host": "a.example.com"}}]}]
//
// An answer is {"objects": …} or {"error": …}. Substitution is strict: a variable without value and without default
// is an error (Flux's feature gate StrictPostBuildSubstitutions; without it the text would become empty).
//
// The rules were read in fluxcd/pkg/kustomize v1.35.6, kustomize_varsub.go: each manifest is substituted as YAML text,
// then read again, so a scalar may change its type; newlines of values are dropped; an object that says
// kustomize.toolkit.fluxcd.io/substitute: disabled stays as it is, and so does everything where there are no variables.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/yaml"
)

const disabling = "kustomize.toolkit.fluxcd.io/substitute"

var name = regexp.MustCompile("^[_[:alpha:]][_[:alpha:][:digit:]]*$")

type build struct {
	Variables map[string]string `json:"variables"`
	Manifests []string          `json:"manifests"`
}

type answer struct {
	Objects []json.RawMessage `json:"objects,omitempty"`
	Error   string            `json:"error,omitempty"`
}

type object struct {
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "flux-substitute: %v\n", err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	var builds []build
	if err := decoder.Decode(&builds); err != nil {
		return fmt.Errorf("standard input is not a list of builds: %w. "+
			`Write [{"variables": {…}, "manifests": ["…"]}]`, err)
	}
	answers := make([]answer, 0, len(builds))
	for _, one := range builds {
		answers = append(answers, one.substituted())
	}
	return json.NewEncoder(out).Encode(answers)
}

func (b build) substituted() answer {
	for variable := range b.Variables {
		if !name.MatchString(variable) {
			return answer{Error: fmt.Sprintf("'%s' var name is invalid, must match '%s'", variable, name)}
		}
	}
	objects := make([]json.RawMessage, 0, len(b.Manifests))
	for _, manifest := range b.Manifests {
		found, err := b.object(manifest)
		if err != nil {
			return answer{Error: err.Error()}
		}
		objects = append(objects, found)
	}
	return answer{Objects: objects}
}

func (b build) object(manifest string) (json.RawMessage, error) {
	var found object
	// What is no object has no annotations either.
	_ = yaml.Unmarshal([]byte(manifest), &found)
	if len(b.Variables) > 0 && found.Metadata.Labels[disabling] != "disabled" &&
		found.Metadata.Annotations[disabling] != "disabled" {
		text, err := envsubst.Eval(manifest, b.value)
		if err != nil {
			return nil, err
		}
		manifest = text
	}
	return yaml.YAMLToJSON([]byte(manifest))
}

func (b build) value(variable string) (string, bool) {
	value, known := b.Variables[variable]
	return strings.ReplaceAll(value, "\n", ""), known
}
