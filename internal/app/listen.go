package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/quarry-search/quarry/internal/rag"
)

// listen takes the address. Failures say what to do.
func listen(address string) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if !at.IP.IsLoopback() {
		return nil, &rag.Error{Code: rag.CodeInvalid, Message: fmt.Sprintf(
			"%s is not a loopback address: without keys Quarry serves this machine only, as in --listen 127.0.0.1:8080; "+
				"put an authenticating proxy on this machine in front of it to serve others", address)}
	}
	l, err := net.ListenTCP("tcp", at)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf(
			"%s is in use by another program: stop it, or choose another port, as in --listen %s",
			address, net.JoinHostPort(at.IP.String(), strconv.Itoa(at.Port+1)))}
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// localPrincipal is the one principal of a server without keys: it sees and may do
// everything.
//
// SECURITY: this is the only place that makes it, and it gives it out only for
// a listener on a loopback address.
func localPrincipal(l net.Listener) (rag.Principal, error) {
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() {
		return rag.Principal{}, errors.New("the local principal is for loopback listeners only")
	}
	return rag.Principal{Subject: "local", Roles: []rag.Role{rag.RoleAdmin}}, nil
}

// authenticator gives every request the same principal.
func authenticator(p rag.Principal) func(*http.Request) (rag.Principal, error) {
	return func(*http.Request) (rag.Principal, error) { return p, nil }
}
