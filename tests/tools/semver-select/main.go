// semver-select tells which tag a Flux ImagePolicy selects, by the rules of Flux and with the libraries Flux uses.
//
// It reads a JSON list of cases from standard input and writes a list of answers in the same order:
//
//	[{"policy": {"semver": {"range": ">=1.0.0"}}, "filter": {"pattern": "^v(?P<v>.*)$", "extract": "$v"},
//	  "tags": ["v1.0.0"]}]
//	[{"tag": "v1.0.0"}]
//
// policy is the ImagePolicy's spec.policy, filter its spec.filterTags (or null). An answer is {"tag": …} or
// {"error": …, "invalid": true or false}; invalid: Flux stalls the policy, otherwise it waits for other tags.
//
// The rules were read in fluxcd/image-reflector-controller (v0.35 to v1.0), internal/policy and internal/controller;
// each function names its file.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

type question struct {
	Policy policy   `json:"policy"`
	Filter *filter  `json:"filter"`
	Tags   []string `json:"tags"`
}

type policy struct {
	SemVer *struct {
		Range string `json:"range"`
	} `json:"semver"`
	Alphabetical *ordering `json:"alphabetical"`
	Numerical    *ordering `json:"numerical"`
}

type ordering struct {
	Order string `json:"order"`
}

type filter struct {
	Pattern string `json:"pattern"`
	Extract string `json:"extract"`
}

type answer struct {
	Tag     string `json:"tag,omitempty"`
	Error   string `json:"error,omitempty"`
	Invalid *bool  `json:"invalid,omitempty"`
}

// latest picks one of the candidates; they are never none.
type latest func(candidates []string) (string, error)

// invalidPolicy is a fault of the policy itself: new tags will not heal it.
type invalidPolicy struct{ error }

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "semver-select: %v\n", err)
		os.Exit(2)
	}
}

func run(in io.Reader, out io.Writer) error {
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	var questions []question
	if err := decoder.Decode(&questions); err != nil {
		return fmt.Errorf("standard input is not a list of cases: %w. "+
			`Write [{"policy": {…}, "filter": {…} or null, "tags": […]}], the policy as in the ImagePolicy`, err)
	}
	answers := make([]answer, 0, len(questions))
	for _, one := range questions {
		answers = append(answers, answered(one.selected()))
	}
	return json.NewEncoder(out).Encode(answers)
}

func answered(tag string, err error) answer {
	if err == nil {
		return answer{Tag: tag}
	}
	invalid := errors.As(err, new(invalidPolicy))
	return answer{Error: err.Error(), Invalid: &invalid}
}

// selected goes the way of imagepolicy_controller.go, applyPolicy: policy first, then filter, then the choice.
func (q question) selected() (string, error) {
	choose, err := q.Policy.chooser()
	if err != nil {
		return "", invalidPolicy{fmt.Errorf("invalid policy: %w", err)}
	}
	if len(q.Tags) == 0 {
		return "", errors.New("no tags in database")
	}
	if q.Filter == nil {
		return choose(q.Tags)
	}
	candidates, tagOf, err := q.Filter.applied(q.Tags)
	if err != nil {
		return "", invalidPolicy{fmt.Errorf("failed to filter tags: %w", err)}
	}
	if len(candidates) == 0 {
		return "", errors.New("version list argument cannot be empty")
	}
	chosen, err := choose(candidates)
	return tagOf[chosen], err
}

// chooser follows factory.go, PolicerFromSpec: the first kind that is set counts, orders in any case.
func (p policy) chooser() (latest, error) {
	switch {
	case p.SemVer != nil:
		return bySemVer(p.SemVer.Range)
	case p.Alphabetical != nil:
		return byOrder(p.Alphabetical.Order, lastInAlphabet)
	case p.Numerical != nil:
		return byOrder(p.Numerical.Order, lastNumber)
	}
	return nil, errors.New("given ImagePolicyChoice object is invalid")
}

// applied follows filter.go: the match is not anchored, the candidate is what extract makes of it, and of two tags
// with the same extract the later one stays. Flux then loses the order of the tags (a Go map), so which of several
// equal versions it takes is chance there; here it is the first in the list.
func (f filter) applied(tags []string) ([]string, map[string]string, error) {
	pattern, err := regexp.Compile(f.Pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("invalid regular expression pattern '%s': %w", f.Pattern, err)
	}
	var candidates []string
	tagOf := map[string]string{}
	for _, tag := range tags {
		match := pattern.FindStringSubmatchIndex(tag)
		if match == nil {
			continue
		}
		candidate := tag
		if f.Extract != "" {
			candidate = string(pattern.ExpandString(nil, f.Extract, tag, match))
		}
		if _, seen := tagOf[candidate]; !seen {
			candidates = append(candidates, candidate)
		}
		tagOf[candidate] = tag
	}
	return candidates, tagOf, nil
}

// bySemVer follows semver.go: what is no version is passed over, and the first of equal versions stays.
func bySemVer(text string) (latest, error) {
	wanted, err := semver.NewConstraint(text)
	if err != nil {
		return nil, err
	}
	return func(candidates []string) (string, error) {
		var best *semver.Version
		for _, candidate := range candidates {
			version, err := parsed(candidate)
			if err == nil && wanted.Check(version) && (best == nil || version.GreaterThan(best)) {
				best = version
			}
		}
		if best == nil {
			return "", errors.New("unable to determine latest version from provided list")
		}
		return best.Original(), nil
	}, nil
}

// parsed follows fluxcd/pkg/version, ParseVersion: strict, but for one leading v.
func parsed(candidate string) (*semver.Version, error) {
	if _, err := semver.StrictNewVersion(strings.TrimPrefix(candidate, "v")); err != nil {
		return nil, err
	}
	return semver.NewVersion(candidate)
}

func byOrder(order string, choose func([]string, bool) (string, error)) (latest, error) {
	order = strings.ToUpper(order)
	if order != "" && order != "ASC" && order != "DESC" {
		return nil, fmt.Errorf("invalid order argument provided: '%s', must be one of: ASC, DESC", order)
	}
	return func(candidates []string) (string, error) { return choose(candidates, order == "DESC") }, nil
}

// lastInAlphabet follows alphabetical.go: by bytes; ascending order takes the greatest, descending the smallest.
func lastInAlphabet(candidates []string, descending bool) (string, error) {
	if descending {
		return slices.Min(candidates), nil
	}
	return slices.Max(candidates), nil
}

// lastNumber follows numerical.go: one candidate that is no number fails all; the last of equal numbers stays.
func lastNumber(candidates []string, descending bool) (string, error) {
	var best string
	var bestNumber float64
	for place, candidate := range candidates {
		number, err := strconv.ParseFloat(candidate, 64)
		if err != nil {
			return "", fmt.Errorf("failed to parse invalid numeric value '%s'", candidate)
		}
		if place > 0 && ((!descending && number < bestNumber) || (descending && number > bestNumber)) {
			continue
		}
		best, bestNumber = candidate, number
	}
	return best, nil
}
