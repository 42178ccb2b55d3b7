// Package api holds the wire types of Quarry's HTTP API: what requests,
// responses, events and problems look like as JSON. The server serves exactly
// these types, the client and the command line decode them, and the committed
// openapi.json is generated from them.
package api
