// The Go peer: a server or a client of interop.thrift over Apache's Go library.
//
//	peer-go server|client PROTOCOL TRANSPORT ADDRESS [FLAG…]
//
// ADDRESS is tcp:PORT or tls:PORT. A server prints its own once it listens. Flags over TLS: mutual and tls1.2; with the
// transport header: zlib. The client checks everything that it gets back and exits with 1 at the first difference.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"reflect"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/apache/thrift/lib/go/thrift"

	"interop"
)

var background = context.Background()

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, "peer.go: "+format+"\n", arguments...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// ---- what both sides speak ----

type flags map[string]bool

func file(name string) string {
	return os.Getenv("PEER_CERTIFICATES") + "/" + name + ".pem"
}

// What both sides give their sockets; certificate: "" where there is none.
func makeTls(certificate string, flags flags) *tls.Config {
	text, err := os.ReadFile(file("ca"))
	must(err)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	config := &tls.Config{RootCAs: trusted, ClientCAs: trusted, ServerName: "127.0.0.1"}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(file(certificate), file(certificate))
		must(err)
		config.Certificates = []tls.Certificate{pair}
	}
	if flags["tls1.2"] {
		config.MaxVersion = tls.VersionTLS12
	}
	return config
}

// The header protocol is its own transport; with zlib it compresses what it writes.
type headerFactory struct {
	thrift.TProtocolFactory
	zlib bool
}

func (self headerFactory) GetProtocol(transport thrift.TTransport) thrift.TProtocol {
	spoken := self.TProtocolFactory.GetProtocol(transport)
	if self.zlib {
		must(spoken.(*thrift.THeaderProtocol).AddTransform(thrift.TransformZlib))
	}
	return spoken
}

func makeHeaderFactory(protocol string, flags flags) thrift.TProtocolFactory {
	id := thrift.THeaderProtocolBinary
	if protocol == "compact" {
		id = thrift.THeaderProtocolCompact
	}
	return headerFactory{thrift.NewTHeaderProtocolFactoryConf(&thrift.TConfiguration{THeaderProtocolID: &id}), flags["zlib"]}
}

func makeFactories(protocol, transport string, flags flags) (thrift.TProtocolFactory, thrift.TTransportFactory) {
	if transport == "header" {
		return makeHeaderFactory(protocol, flags), thrift.NewTTransportFactory()
	}
	var protocols thrift.TProtocolFactory = thrift.NewTBinaryProtocolFactoryConf(nil)
	var transports thrift.TTransportFactory = thrift.NewTBufferedTransportFactory(8192)

	if protocol == "compact" {
		protocols = thrift.NewTCompactProtocolFactoryConf(nil)
	}
	if transport == "framed" {
		transports = thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), nil)
	}
	return protocols, transports
}

// ---- the server ----

type handler struct {
	token int64
}

func (self *handler) Nothing(ctx context.Context) error                       { return nil }
func (self *handler) EchoBool(ctx context.Context, value bool) (bool, error)  { return value, nil }
func (self *handler) EchoI8(ctx context.Context, value int8) (int8, error)    { return value, nil }
func (self *handler) EchoI16(ctx context.Context, value int16) (int16, error) { return value, nil }
func (self *handler) EchoI32(ctx context.Context, value int32) (int32, error) { return value, nil }
func (self *handler) EchoI64(ctx context.Context, value int64) (int64, error) { return value, nil }
func (self *handler) EchoDouble(ctx context.Context, value float64) (float64, error) {
	return value, nil
}
func (self *handler) EchoString(ctx context.Context, value string) (string, error) { return value, nil }
func (self *handler) EchoBinary(ctx context.Context, value []byte) ([]byte, error) { return value, nil }
func (self *handler) EchoColor(ctx context.Context, value interop.Color) (interop.Color, error) {
	return value, nil
}
func (self *handler) EchoScalars(ctx context.Context, value *interop.Scalars) (*interop.Scalars, error) {
	return value, nil
}
func (self *handler) EchoNested(ctx context.Context, value *interop.Nested) (*interop.Nested, error) {
	return value, nil
}
func (self *handler) EchoChoice(ctx context.Context, value *interop.Choice) (*interop.Choice, error) {
	return value, nil
}
func (self *handler) EchoWide(ctx context.Context, value *interop.Wide) (*interop.Wide, error) {
	return value, nil
}
func (self *handler) EchoFlags(ctx context.Context, value []bool) ([]bool, error) { return value, nil }
func (self *handler) EchoPaths(ctx context.Context, value map[string][]*interop.Point) (map[string][]*interop.Point, error) {
	return value, nil
}
func (self *handler) EchoWords(ctx context.Context, value []string) ([]string, error) {
	return value, nil
}

func (self *handler) Join(ctx context.Context, yes bool, number int32, text string, parts []string) (string, error) {
	word := "no"
	if yes {
		word = "yes"
	}
	return fmt.Sprintf("%s|%d|%s|%s", word, number, text, strings.Join(parts, ",")), nil
}

func makeRefusal() *interop.Refusal {
	return &interop.Refusal{Code: 17, Reason: "refused", Spot: &interop.Point{X: 1, Y: -2}}
}

func (self *handler) Check(ctx context.Context, kind int32) (int32, error) {
	switch kind {
	case 0:
		return 1, nil
	case 1:
		return 0, makeRefusal()
	case 2:
		return 0, &interop.Overflow{Limit: math.MaxInt64}
	}
	return 0, fmt.Errorf("kind %d", kind)
}

func (self *handler) CheckNothing(ctx context.Context, kind int32) error {
	_, err := self.Check(ctx, kind)
	return err
}

func (self *handler) Remember(ctx context.Context, token int64) error {
	atomic.StoreInt64(&self.token, token)
	return nil
}

func (self *handler) Remembered(ctx context.Context) (int64, error) {
	return atomic.LoadInt64(&self.token), nil
}

// Sends the request's header "trace" back.
func (self *handler) Whoami(ctx context.Context) (string, error) {
	helper, _ := thrift.GetResponseHelper(ctx)
	helper.ClearHeaders() // of earlier replies
	if value, ok := thrift.GetHeader(ctx, "trace"); ok {
		helper.SetHeader("trace", value)
	}
	return "go", nil
}

// Accepts at a listener that listens already.
type listener struct {
	net.Listener
}

func (self listener) Listen() error    { return nil }
func (self listener) Interrupt() error { return self.Close() }
func (self listener) Accept() (thrift.TTransport, error) {
	connection, err := self.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return thrift.NewTSocketFromConnConf(connection, nil), nil
}

func serve(protocol, transport, kind, place string, flags flags) {
	plain, err := net.Listen("tcp", "127.0.0.1:"+place)
	must(err)
	address := plain.Addr().(*net.TCPAddr)
	if kind == "tls" {
		config := makeTls("server", flags)
		if flags["mutual"] {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		plain = tls.NewListener(plain, config)
	}
	fmt.Printf("%s:%d\n", kind, address.Port)
	protocols, transports := makeFactories(protocol, transport, flags)
	server := thrift.NewTSimpleServer4(interop.NewExtendedProcessor(&handler{}), listener{plain}, transports, protocols)
	server.SetLogger(thrift.NopLogger)
	must(server.Serve())
}

// ---- the client ----

func expect(what string, actual, expected interface{}, err error) {
	if err != nil {
		fail("%s: %v", what, err)
	}
	if !reflect.DeepEqual(actual, expected) {
		fail("%s: %#v instead of %#v", what, actual, expected)
	}
}

func checkBaseTypes(client *interop.ExtendedClient) {
	must(client.Nothing(background))
	for _, value := range []bool{true, false} {
		got, err := client.EchoBool(background, value)
		expect("bool", got, value, err)
	}
	for _, value := range []int64{0, 1, -1, math.MaxInt8, math.MinInt8, 63, 64, -65} {
		tiny, err := client.EchoI8(background, int8(value))
		expect("i8", tiny, int8(value), err)
		small, err := client.EchoI16(background, int16(value*256))
		expect("i16", small, int16(value*256), err)
		medium, err := client.EchoI32(background, int32(value<<24))
		expect("i32", medium, int32(value<<24), err)
		large, err := client.EchoI64(background, value<<56)
		expect("i64", large, value<<56, err)
	}
	for _, value := range []float64{0, -1.5, 1e-310, math.MaxFloat64, math.Inf(1), math.Inf(-1)} {
		got, err := client.EchoDouble(background, value)
		expect("double", got, value, err)
	}
	for _, value := range []string{"", "plain", "grüße 日本 🌿", strings.Repeat("long ", 20000)} {
		got, err := client.EchoString(background, value)
		expect("string", got, value, err)
		bytes, err := client.EchoBinary(background, []byte(value))
		expect("binary", string(bytes), value, err)
	}
	color, err := client.EchoColor(background, interop.Color_FAR)
	expect("enum", color, interop.Color_FAR, err)
}

func makeScalars() *interop.Scalars {
	return &interop.Scalars{Yes: true, Tiny: -128, Small: -32768, Medium: math.MinInt32, Large: math.MinInt64, Number: -0.1,
		Text: "grüße", Bytes: []byte{0, 255}, Color: interop.Color_FAR, Stamp: math.MaxInt64, No: false, Last: math.MaxInt32}
}

func makeNested() *interop.Nested {
	maybe, text := false, "chosen"

	return &interop.Nested{
		Flags: []bool{true, false, true}, Tinies: []int8{-128, 0, 127}, Smalls: []int16{-32768, 32767},
		Numbers: interop.Numbers{-5, 300}, Larges: []int64{math.MinInt64, -1, 0}, Doubles: []float64{0.5, math.Inf(1)},
		Names: []string{"", strings.Repeat("ü", 300)}, Blobs: [][]byte{{}, {0, 255}},
		Points: []*interop.Point{{X: 1, Y: 2}}, Colors: []interop.Color{interop.Color_DARK}, Chosen: []int32{1, -2, 3},
		Words: []string{"x"}, Ages: map[string]int32{"a": 1, "b": -2}, Titles: map[int64]string{math.MinInt64: "low"},
		Switches: map[int32]bool{1: true, 0: false}, Series: map[string][]int32{"odd": {1, 3}, "none": {}},
		Corners: map[int16]*interop.Point{-1: {X: 9, Y: 8}}, Matrix: [][]int32{{1}, {}, {2, 3}},
		Tables:  map[string]map[string]float64{"t": {"u": 0.25}, "empty": {}},
		Records: []map[string]int32{{"k": 7}, {}}, Origin: &interop.Point{},
		Choice: &interop.Choice{Text: &text}, Scalars: []*interop.Scalars{makeScalars()}, Maybe: &maybe}
}

func checkStructs(client *interop.ExtendedClient) {
	scalars, err := client.EchoScalars(background, makeScalars())
	expect("scalars", scalars, makeScalars(), err)
	nested, err := client.EchoNested(background, makeNested())
	if err == nil {
		sort.Slice(nested.Chosen, func(i, j int) bool { return nested.Chosen[i]&3 < nested.Chosen[j]&3 }) // 1, -2, 3
	}
	expect("nested", nested, makeNested(), err)
	choice, err := client.EchoChoice(background, &interop.Choice{Numbers: interop.Numbers{1}})
	expect("union", choice, &interop.Choice{Numbers: interop.Numbers{1}}, err)
	flags, err := client.EchoFlags(background, make([]bool, 10000))
	expect("list of bool", flags, make([]bool, 10000), err)
	paths := map[string][]*interop.Point{"": {}, "a": {{X: 1, Y: 2}, {X: 3, Y: 4}}}
	got, err := client.EchoPaths(background, paths)
	expect("map of lists", got, paths, err)
	joined, err := client.Join(background, true, -7, "hello", []string{"a", "b"})
	expect("arguments", joined, "yes|-7|hello|a,b", err)
}

func checkOutcomes(client *interop.ExtendedClient, stranger *interop.StrangerClient) {
	var refusal *interop.Refusal
	var overflow *interop.Overflow
	var application thrift.TApplicationException

	value, err := client.Check(background, 0)
	expect("no exception", value, int32(1), err)
	_, err = client.Check(background, 1)
	expect("refusal", errors.As(err, &refusal) && reflect.DeepEqual(refusal, makeRefusal()), true, nil)
	_, err = client.Check(background, 2)
	expect("overflow", errors.As(err, &overflow) && overflow.Limit == math.MaxInt64, true, nil)
	expect("refusal of void", errors.As(client.CheckNothing(background, 1), &refusal), true, nil)
	must(client.Remember(background, 1<<62+1))
	token, err := client.Remembered(background)
	expect("oneway", token, int64(1<<62+1), err)
	_, err = client.Whoami(background)
	must(err)
	_, err = stranger.UnheardOf(background, "x")
	expect("unknown method", errors.As(err, &application) && application.TypeId() == thrift.UNKNOWN_METHOD, true, nil)
	_, err = client.Check(background, 3)
	expect("undeclared", errors.As(err, &application), true, nil)
}

// Headers go with a call, and come back.
func checkHeaders(client *interop.ExtendedClient, spoken *thrift.THeaderProtocol) {
	for _, value := range []string{"", "abc", strings.Repeat("x", 200)} {
		ctx := thrift.SetHeader(background, "trace", value)
		_, err := client.Whoami(thrift.SetWriteHeaderList(ctx, []string{"trace"}))
		must(err)
		got, ok := spoken.GetReadHeaders()["trace"]
		expect("header", got, value, nil)
		expect("header's presence", ok, true, nil)
	}
	_, err := client.Whoami(background)
	must(err)
	expect("no header", len(spoken.GetReadHeaders()), 0, nil)
}

func runClient(protocol, transport, kind, place string, flags flags) {
	var connection net.Conn
	var err error

	if kind == "tls" {
		certificate := ""
		if flags["mutual"] {
			certificate = "alice"
		}
		connection, err = tls.Dial("tcp", "127.0.0.1:"+place, makeTls(certificate, flags))
	} else {
		connection, err = net.Dial("tcp", "127.0.0.1:"+place)
	}
	must(err)
	protocols, transports := makeFactories(protocol, transport, flags)
	wire, err := transports.GetTransport(thrift.NewTSocketFromConnConf(connection, nil))
	must(err)
	input := protocols.GetProtocol(wire)
	output := input
	header, hasHeader := input.(*thrift.THeaderProtocol)
	if !hasHeader {
		output = protocols.GetProtocol(wire)
	}
	spoken := thrift.NewTStandardClient(input, output)
	client := interop.NewExtendedClient(spoken)
	if hasHeader {
		checkHeaders(client, header)
	}
	checkBaseTypes(client)
	checkStructs(client)
	checkOutcomes(client, interop.NewStrangerClient(spoken))
	must(wire.Close())
}

func main() {
	set := flags{}
	for _, flag := range os.Args[5:] {
		set[flag] = true
	}
	kind, place, _ := strings.Cut(os.Args[4], ":")
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3], kind, place, set)
	} else {
		runClient(os.Args[2], os.Args[3], kind, place, set)
	}
}
