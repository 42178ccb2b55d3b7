// Package archtest holds the rules of the house as tests: who may import whom
// and why, who may see everything, who reads the environment, how long a file
// may be. They read the sources themselves, so that no cached listing of
// packages can hide a violation.
package archtest
