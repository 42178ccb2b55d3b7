// Package telemetry turns what use cases and the edge return into metrics,
// traces and log lines. Metrics is the main type; Searcher, Answerer and
// Ingester wrap use cases, OpenTracing sends spans when an endpoint is
// configured, NewLogger makes the logger.
//
// SECURITY: no content enters a signal: no query, question, passage, title,
// uri, attribute, name of a file or key. Labels come from closed sets; what is
// not in its set becomes "_other" and is counted.
//
// The package must not know HTTP routes, storage or models.
package telemetry
