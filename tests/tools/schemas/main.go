// schemas prints the OpenAPI schemas of Go types, as controller-gen writes them into a CustomResourceDefinition.
//
//	schemas k8s.io/api/apps/v1.Deployment k8s.io/api/core/v1.Service
//	{"k8s.io/api/apps/v1.Deployment": {"type": "object", …}, …}
//
// It is run in its own folder, whose go.mod says which versions of the types are read (types.go).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
)

type schema = apiextensions.JSONSchemaProps

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "schemas: %v\n", err)
		os.Exit(1)
	}
}

func run(names []string, out io.Writer) error {
	roots, err := loaded(names)
	if err != nil {
		return err
	}
	parser, err := newParser()
	if err != nil {
		return err
	}
	found := map[string]schema{}
	for _, name := range names {
		path, kind := parts(name)
		if found[name], err = schemaOf(parser, roots[path], kind); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return json.NewEncoder(out).Encode(found)
}

// loaded finds the packages of all types at once, so that what they share is read once.
func loaded(names []string) (map[string]*loader.Package, error) {
	var paths []string
	for _, name := range names {
		path, kind := parts(name)
		if kind == "" {
			return nil, fmt.Errorf("%q names no type. Write package.Type, as k8s.io/api/core/v1.Service", name)
		}
		paths = append(paths, path)
	}
	roots, err := loader.LoadRoots(paths...)
	if err != nil {
		return nil, err
	}
	found := map[string]*loader.Package{}
	for _, root := range roots {
		found[root.PkgPath] = root
	}
	return found, nil
}

// newParser is set as controller-gen is by crd:generateEmbeddedObjectMeta=true,allowDangerousTypes=true: types that are
// not made for CRDs have floats, and metadata is checked like the rest.
func newParser() (*crd.Parser, error) {
	registry := &markers.Registry{}
	if err := crdmarkers.Register(registry); err != nil {
		return nil, err
	}
	parser := &crd.Parser{
		Collector:                  &markers.Collector{Registry: registry},
		Checker:                    &loader.TypeChecker{NodeFilters: []loader.NodeFilter{crd.Generator{}.CheckFilter()}},
		AllowDangerousTypes:        true,
		GenerateEmbeddedObjectMeta: true,
	}
	crd.AddKnownTypes(parser)
	return parser, nil
}

func schemaOf(parser *crd.Parser, from *loader.Package, kind string) (schema, error) {
	if from == nil {
		return schema{}, errors.New("no such package. Import it in types.go and run go mod tidy")
	}
	parser.NeedPackage(from)
	ident := crd.TypeIdent{Package: from, Name: kind}
	if _, known := parser.Schemata[ident]; !known && parser.Types[ident] == nil {
		return schema{}, errors.New("no such type in this package")
	}
	parser.NeedFlattenedSchemaFor(ident)
	// Types are checked only as far as they are needed, so errors of that kind mean nothing.
	if loader.PrintErrors([]*loader.Package{from}, packages.TypeError) {
		return schema{}, errors.New("the package does not load; the reasons stand above")
	}
	return parser.FlattenedSchemata[ident], nil
}

// parts splits package and type.
func parts(name string) (string, string) {
	place := strings.LastIndex(name, ".")
	if place < 0 || place < strings.LastIndex(name, "/") {
		return name, ""
	}
	return name[:place], name[place+1:]
}
