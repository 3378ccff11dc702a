// Asks a name server over TLS, HTTPS and QUIC by Go's own TLS and HTTP/2 and by quic-go.
//
//	encrypted-client <authority's file> <tls|https|quic> <address> < queries
//
// Queries and answers are messages in hexadecimal, one to a line, without length. Over TLS they are pipelined, over the other
// two asked side by side, on one connection. Over QUIC they are asked twice: by a new session and by a resumed one.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const patience = time.Minute

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(authority, transport, address string) error {
	var queries [][]byte
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		query, err := hex.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		queries = append(queries, query)
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	// A cache of sessions, by which the second connection resumes the first one's.
	config := &tls.Config{RootCAs: roots, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	var ask func([][]byte) ([][]byte, error)
	times := 1
	switch transport {
	case "tls":
		ask = func(queries [][]byte) ([][]byte, error) { return overTLS(address, config, queries) }
	case "https":
		ask = func(queries [][]byte) ([][]byte, error) { return overHTTPS(address, config, queries) }
	case "quic":
		times = 2
		ask = func(queries [][]byte) ([][]byte, error) { return overQUIC(address, config, queries) }
	default:
		return fmt.Errorf("no such transport: %s", transport)
	}
	for range times {
		answers, err := ask(queries)
		if err != nil {
			return err
		}
		for _, answer := range answers {
			fmt.Println(hex.EncodeToString(answer))
		}
	}
	return nil
}

// RFC 7858 3.3: messages have a length of two octets before them.
func framed(query []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
}

func unframed(reader io.Reader) ([]byte, error) {
	var length uint16
	if err := binary.Read(reader, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	answer := make([]byte, length)
	_, err := io.ReadFull(reader, answer)
	return answer, err
}

// Answers are those of their queries by their order; ids tell which, because they may come in another one.
func overTLS(address string, config *tls.Config, queries [][]byte) ([][]byte, error) {
	config = config.Clone()
	config.NextProtos = []string{"dot"}
	connection, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address, config)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	if protocol := connection.ConnectionState().NegotiatedProtocol; protocol != "dot" {
		return nil, fmt.Errorf("the protocol is %q", protocol)
	}
	var sent []byte
	for number, query := range queries {
		query = bytes.Clone(query)
		binary.BigEndian.PutUint16(query, uint16(number))
		sent = append(sent, framed(query)...)
	}
	if _, err := connection.Write(sent); err != nil {
		return nil, err
	}
	answers := make([][]byte, len(queries))
	for range queries {
		answer, err := unframed(connection)
		if err != nil {
			return nil, err
		}
		number := int(binary.BigEndian.Uint16(answer))
		if number >= len(answers) || answers[number] != nil {
			return nil, fmt.Errorf("an answer with the id %d", number)
		}
		copy(answer, queries[number][:2])
		answers[number] = answer
	}
	return answers, nil
}

func overHTTPS(address string, config *tls.Config, queries [][]byte) ([][]byte, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
	return sideBySide(queries, func(query []byte) ([]byte, error) {
		response, err := client.Post("https://"+address+"/dns-query", "application/dns-message", bytes.NewReader(query))
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
			return nil, fmt.Errorf("%s by %s", response.Status, response.Proto)
		}
		return io.ReadAll(response.Body)
	})
}

// RFC 9250 4.2: a query has a stream of its own, which the client ends behind it and the server behind the answer.
func overQUIC(address string, config *tls.Config, queries [][]byte) ([][]byte, error) {
	config = config.Clone()
	config.NextProtos = []string{"doq"}
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := quic.DialAddr(deadline, address, config, nil)
	if err != nil {
		return nil, err
	}
	state := connection.ConnectionState().TLS
	fmt.Fprintln(os.Stderr, "resumed:", state.DidResume)
	answers, err := sideBySide(queries, func(query []byte) ([]byte, error) {
		stream, err := connection.OpenStreamSync(deadline)
		if err != nil {
			return nil, err
		}
		if _, err := stream.Write(framed(query)); err != nil {
			return nil, err
		}
		stream.Close()
		stream.SetReadDeadline(time.Now().Add(patience))
		answer, err := unframed(stream)
		if err != nil {
			return nil, err
		}
		if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("%d octets behind the answer (%v)", len(rest), err)
		}
		return answer, nil
	})
	if err != nil {
		return nil, err
	}
	// RFC 9250 4.3: DOQ_NO_ERROR.
	return answers, connection.CloseWithError(0, "")
}

func sideBySide(queries [][]byte, ask func([]byte) ([]byte, error)) ([][]byte, error) {
	answers, errs := make([][]byte, len(queries)), make([]error, len(queries))
	var all sync.WaitGroup
	for number, query := range queries {
		all.Go(func() { answers[number], errs[number] = ask(query) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}
