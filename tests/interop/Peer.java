import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TException;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportFactory;
import org.apache.thrift.transport.layered.TFramedTransport;

/**
 * The Java peer: a server or a client of interop.thrift over Apache's Java library.
 *
 * <p>Peer server|client PROTOCOL TRANSPORT ADDRESS [FLAG…]
 *
 * <p>ADDRESS is tcp:PORT or tls:PORT. A server prints its own once it listens. Flags over TLS: mutual and tls1.2. The
 * client checks everything that it gets back and exits with 1 at the first difference.
 */
public class Peer {
  private static final char[] PASSWORD = "".toCharArray();

  // ---- what both sides speak ----

  private static Path file(String name) {
    return Path.of(System.getenv("PEER_CERTIFICATES"), name + ".pem");
  }

  private static Certificate[] readCertificates(String name) throws Exception {
    String text = Files.readString(file(name));
    int start = text.indexOf("-----BEGIN CERTIFICATE");
    int end = text.lastIndexOf("-----END CERTIFICATE-----") + "-----END CERTIFICATE-----".length();
    byte[] bytes = text.substring(start, end).getBytes(StandardCharsets.US_ASCII);
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new java.io.ByteArrayInputStream(bytes))
        .toArray(new Certificate[0]);
  }

  private static PrivateKey readKey(String name, String algorithm) throws Exception {
    String text = Files.readString(file(name));
    int start = text.indexOf("-----BEGIN PRIVATE KEY-----") + "-----BEGIN PRIVATE KEY-----".length();
    byte[] bytes = Base64.getMimeDecoder().decode(text.substring(start, text.indexOf("-----END PRIVATE KEY")));
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(bytes));
  }

  /** What both sides make their sockets with; @param certificate null where there is none. */
  private static SSLContext makeTls(String certificate) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    KeyStore own = KeyStore.getInstance("PKCS12");
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    SSLContext context = SSLContext.getInstance("TLS");

    trusted.load(null, PASSWORD);
    trusted.setCertificateEntry("ca", readCertificates("ca")[0]);
    trust.init(trusted);
    own.load(null, PASSWORD);
    if (certificate != null) {
      Certificate[] chain = readCertificates(certificate);
      own.setKeyEntry("own", readKey(certificate, chain[0].getPublicKey().getAlgorithm()), PASSWORD, chain);
    }
    keys.init(own, PASSWORD);
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static String[] findVersions(Set<String> flags) {
    return flags.contains("tls1.2") ? new String[] {"TLSv1.2"} : new String[] {"TLSv1.3", "TLSv1.2"};
  }

  private static TProtocolFactory makeProtocols(String protocol) {
    return protocol.equals("compact") ? new TCompactProtocol.Factory() : new TBinaryProtocol.Factory();
  }

  private static TTransportFactory makeTransports(String transport) {
    return transport.equals("framed") ? new TFramedTransport.Factory() : new TTransportFactory();
  }

  // ---- the server ----

  private static class Handler implements Extended.Iface {
    private volatile long token;

    @Override public void nothing() {}
    @Override public boolean echo_bool(boolean value) { return value; }
    @Override public byte echo_i8(byte value) { return value; }
    @Override public short echo_i16(short value) { return value; }
    @Override public int echo_i32(int value) { return value; }
    @Override public long echo_i64(long value) { return value; }
    @Override public double echo_double(double value) { return value; }
    @Override public String echo_string(String value) { return value; }
    @Override public ByteBuffer echo_binary(ByteBuffer value) { return value; }
    @Override public Color echo_color(Color value) { return value; }
    @Override public Scalars echo_scalars(Scalars value) { return value; }
    @Override public Nested echo_nested(Nested value) { return value; }
    @Override public Choice echo_choice(Choice value) { return value; }
    @Override public Wide echo_wide(Wide value) { return value; }
    @Override public List<Boolean> echo_flags(List<Boolean> value) { return value; }
    @Override public Map<String, List<Point>> echo_paths(Map<String, List<Point>> paths) { return paths; }
    @Override public Set<String> echo_words(Set<String> words) { return words; }
    @Override public String whoami() { return "java"; }

    @Override public String join(boolean yes, int number, String text, List<String> parts) {
      return (yes ? "yes" : "no") + "|" + number + "|" + text + "|" + String.join(",", parts);
    }

    @Override public int check(int kind) throws TException {
      if (kind == 0)
        return 1;
      if (kind == 1)
        throw makeRefusal();
      if (kind == 2)
        throw new Overflow(Long.MAX_VALUE);
      throw new TException("kind " + kind);
    }

    @Override public void check_nothing(int kind) throws TException {
      check(kind);
    }

    @Override public void remember(long value) {
      token = value;
    }

    @Override public long remembered() {
      return token;
    }
  }

  private static ServerSocket listen(String kind, int port, Set<String> flags) throws Exception {
    InetAddress here = InetAddress.getByName("127.0.0.1");
    if (kind.equals("tcp"))
      return new ServerSocket(port, 128, here);
    SSLServerSocket listener =
        (SSLServerSocket) makeTls("server").getServerSocketFactory().createServerSocket(port, 128, here);
    listener.setEnabledProtocols(findVersions(flags));
    listener.setNeedClientAuth(flags.contains("mutual"));
    return listener;
  }

  private static void serve(String protocol, String transport, String kind, int port, Set<String> flags)
      throws Exception {
    ServerSocket listener = listen(kind, port, flags);
    TThreadPoolServer server = new TThreadPoolServer(new TThreadPoolServer.Args(new TServerSocket(listener))
            .processor(new Extended.Processor<>(new Handler()))
            .protocolFactory(makeProtocols(protocol))
            .transportFactory(makeTransports(transport)));

    new Thread(server::serve).start();
    warmUp(kind, listener.getLocalPort(), flags);
    System.out.println(kind + ":" + listener.getLocalPort());
  }

  // ---- the client ----

  private static void expect(String what, Object actual, Object expected) {
    if (actual.equals(expected))
      return;
    System.err.println("Peer.java: " + what + ": " + actual + " instead of " + expected);
    System.exit(1);
  }

  private interface Thrower {
    void run() throws TException;
  }

  private static Exception raised(Thrower thrower) {
    try {
      thrower.run();
    } catch (TException exception) {
      return exception;
    }
    return new Exception("nothing was raised");
  }

  private static Refusal makeRefusal() {
    return new Refusal(17, "refused", new Point(1, -2));
  }

  private static void checkBaseTypes(Extended.Client client) throws TException {
    client.nothing();
    for (boolean value : new boolean[] {true, false})
      expect("bool", client.echo_bool(value), value);
    for (long value : new long[] {0, 1, -1, Byte.MAX_VALUE, Byte.MIN_VALUE, 63, 64, -65}) {
      expect("i8", client.echo_i8((byte) value), (byte) value);
      expect("i16", client.echo_i16((short) (value << 8)), (short) (value << 8));
      expect("i32", client.echo_i32((int) (value << 24)), (int) (value << 24));
      expect("i64", client.echo_i64(value << 56), value << 56);
    }
    for (double value : new double[] {0, -0.0, -1.5, 1e-310, Double.MAX_VALUE, Double.NEGATIVE_INFINITY, Double.NaN})
      expect("double", client.echo_double(value), value);
    for (String value : new String[] {"", "plain", "grüße 日本 🌿", "long ".repeat(20000)}) {
      expect("string", client.echo_string(value), value);
      ByteBuffer bytes = ByteBuffer.wrap(value.getBytes(StandardCharsets.UTF_8));
      expect("binary", client.echo_binary(bytes.duplicate()), bytes);
    }
    for (Color value : Color.values())
      expect("enum", client.echo_color(value), value);
  }

  private static Scalars makeScalars() {
    return new Scalars(true, (byte) -128, (short) -32768, Integer.MIN_VALUE, Long.MIN_VALUE, -0.1, "grüße",
        ByteBuffer.wrap(new byte[] {0, -1}), Color.FAR, Long.MAX_VALUE, false, Integer.MAX_VALUE);
  }

  private static Nested makeNested() {
    return new Nested(Arrays.asList(true, false), Arrays.asList((byte) -128, (byte) 127), Arrays.asList((short) -32768),
        Arrays.asList(-5, 300), Arrays.asList(Long.MIN_VALUE, -1L), Arrays.asList(0.5, Double.POSITIVE_INFINITY),
        Arrays.asList("", "ü".repeat(300)), Arrays.asList(ByteBuffer.wrap(new byte[] {0, -1})),
        Arrays.asList(new Point(1, 2).setLabel("p"), new Point(-3, 4)), Arrays.asList(Color.RED, Color.DARK),
        new HashSet<>(Arrays.asList(1, -2, 3)), new HashSet<>(Arrays.asList("x", "")), Map.of("a", 1, "b", -2),
        Map.of(Long.MIN_VALUE, "low"), Map.of(1, true, 0, false), Map.of("odd", Arrays.asList(1, 3)),
        Map.of((short) -1, new Point(9, 8)), Arrays.asList(Arrays.asList(1), Collections.emptyList()),
        Map.of("t", Map.of("u", 0.25), "empty", new HashMap<>()), Arrays.asList(Map.of("k", 7)))
        .setOrigin(new Point(0, 0)).setChoice(Choice.text("chosen")).setScalars(Arrays.asList(makeScalars()))
        .setMaybe(false);
  }

  private static Wide makeWide() {
    Wide wide = new Wide();

    wide.setSets(Arrays.asList(new HashSet<>(Arrays.asList(1, 2)), new HashSet<>()));
    wide.setGroups(Map.of("g", new HashSet<>(Arrays.asList("a", "b"))));
    wide.setColors(new HashSet<>(Arrays.asList(Color.RED, Color.DARK)));
    wide.setNames(Map.of(Color.RED, "red", Color.FAR, "far"));
    wide.setStamps(Arrays.asList(Long.MIN_VALUE, Long.MAX_VALUE));
    wide.setLevels(Map.of(1.5, true, -1.5, false));
    wide.setDeep(Arrays.asList(Arrays.asList(Arrays.asList("a"), Collections.emptyList()), Collections.emptyList()));
    return wide;
  }

  private static void checkStructs(Extended.Client client) throws TException {
    Nested nested = makeNested();

    expect("scalars", client.echo_scalars(makeScalars()), makeScalars());
    expect("nested", client.echo_nested(nested), nested);
    Wide wide = client.echo_wide(makeWide());
    // What was not sent comes back as a C peer's empty containers.
    expect("wide", Arrays.asList(wide.getSets(), wide.getGroups(), wide.getColors(), wide.getNames(), wide.getStamps(),
            wide.getLevels(), wide.getDeep()),
        Arrays.asList(makeWide().getSets(), makeWide().getGroups(), makeWide().getColors(), makeWide().getNames(),
            makeWide().getStamps(), makeWide().getLevels(), makeWide().getDeep()));
    for (Choice value : new Choice[] {Choice.number(-7), Choice.text(""), Choice.numbers(Arrays.asList(1))})
      expect("union", client.echo_choice(value), value);
    List<Boolean> flags = Collections.nCopies(10000, true);
    expect("list of bool", client.echo_flags(flags), flags);
    Map<String, List<Point>> paths = Map.of("", Arrays.asList(), "a", Arrays.asList(new Point(1, 2), new Point(3, 4)));
    expect("map of lists", client.echo_paths(paths), paths);
    Set<String> words = new HashSet<>();
    for (int i = 0; i < 500; i++)
      words.add("w" + i);
    expect("set", client.echo_words(words), words);
    expect("arguments", client.join(true, -7, "hello", Arrays.asList("a", "b")), "yes|-7|hello|a,b");
  }

  private static void checkOutcomes(Extended.Client client, Stranger.Client stranger) throws TException {
    expect("no exception", client.check(0), 1);
    expect("refusal", raised(() -> client.check(1)), makeRefusal());
    expect("overflow", raised(() -> client.check(2)), new Overflow(Long.MAX_VALUE));
    expect("refusal of void", raised(() -> client.check_nothing(1)), makeRefusal());
    client.remember((1L << 62) + 1);
    expect("oneway", client.remembered(), (1L << 62) + 1);
    expect("inherited", client.whoami().isEmpty(), false);
    Exception unknown = raised(() -> stranger.unheard_of("x"));
    expect("unknown method", unknown instanceof TApplicationException
            && ((TApplicationException) unknown).getType() == TApplicationException.UNKNOWN_METHOD, true);
    expect("undeclared", raised(() -> client.check(3)) instanceof TApplicationException, true);
  }

  private static Socket connect(String kind, int port, Set<String> flags) throws Exception {
    if (kind.equals("tcp"))
      return new Socket("127.0.0.1", port);
    SSLContext context = makeTls(flags.contains("mutual") ? "alice" : null);
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
    SSLParameters parameters = socket.getSSLParameters();

    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    parameters.setProtocols(findVersions(flags));
    socket.setSSLParameters(parameters);
    return socket;
  }

  /** Java loads what the first handshake needs: on a busy machine for longer than a client waits. */
  private static void warmUp(String kind, int port, Set<String> flags) throws Exception {
    try (Socket socket = connect(kind, port, flags)) {
      if (socket instanceof SSLSocket)
        ((SSLSocket) socket).startHandshake();
    }
  }

  private static void runClient(String protocol, String transport, String kind, int port, Set<String> flags)
      throws Exception {
    TTransport wire = makeTransports(transport).getTransport(new TSocket(connect(kind, port, flags)));
    TProtocol spoken = makeProtocols(protocol).getProtocol(wire);
    Extended.Client client = new Extended.Client(spoken);

    checkBaseTypes(client);
    checkStructs(client);
    checkOutcomes(client, new Stranger.Client(spoken));
    wire.close();
  }

  public static void main(String[] arguments) throws Exception {
    String[] address = arguments[3].split(":");
    Set<String> flags = new HashSet<>(Arrays.asList(arguments).subList(4, arguments.length));

    if (arguments[0].equals("server"))
      serve(arguments[1], arguments[2], address[0], Integer.parseInt(address[1]), flags);
    else
      runClient(arguments[1], arguments[2], address[0], Integer.parseInt(address[1]), flags);
  }
}
