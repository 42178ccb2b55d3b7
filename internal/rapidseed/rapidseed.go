// Package rapidseed fixes where property tests start, so that the same code
// gives the same outcome each time: tests that use rapid import it for that
// effect. `go test -rapid.seed=0` searches from a random place instead, and
// `-rapid.checks=N` for longer: CONTRIBUTING.md says when.
package rapidseed

import (
	"flag"

	_ "pgregory.net/rapid" // which registers the flag
)

var _ = flag.Set("rapid.seed", "1") // nothing to do about an error: the flag is there
