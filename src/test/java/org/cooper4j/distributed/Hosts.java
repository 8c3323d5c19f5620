package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Two hosts: network namespaces of this machine, joined by switches that are a third. The first one
 * stands for itself by a loopback address, as Debian installs it.
 */
final class Hosts implements AutoCloseable {
  /** The name of the first. */
  static final String FIRST = "first";

  /** By which they reach each other's names, and another one. */
  static final String INTERFACE = "net0";

  static final String SECOND_INTERFACE = "net1";

  private static final Path NAMES = Path.of("/etc/netns");

  private final String prefix = "c4j" + ProcessHandle.current().pid();
  private final String middle = prefix + "s";
  private final List<String> namespaces = new ArrayList<>();

  private Hosts() {}

  /** Makes them; skips the test where that takes rights or a program that are not there. */
  static Hosts make() throws IOException, InterruptedException {
    assumeTrue(
        System.getProperty("user.name").equals("root") && Files.isExecutable(ip()),
        "two hosts are network namespaces, which need root and the program ip");
    Hosts hosts = new Hosts();
    try {
      assumeTrue(
          succeeds("ip", "netns", "add", hosts.middle),
          "two hosts are network namespaces, which this container does not allow");
      hosts.namespaces.add(hosts.middle);
      hosts.join();
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      hosts.close();
      throw e;
    }
    return hosts;
  }

  private static Path ip() {
    return List.of("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip").stream()
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(Path.of("/no/ip"));
  }

  private void join() throws IOException, InterruptedException {
    for (int host = 0; host < 2; host++) {
      run("ip", "netns", "add", name(host));
      namespaces.add(name(host));
      run("ip", "-n", name(host), "link", "set", "lo", "up");
      Files.createDirectories(NAMES.resolve(name(host)));
      Files.writeString(
          NAMES.resolve(name(host)).resolve("hosts"),
          "127.0.0.1 localhost\n" + (host == 0 ? "127.0.1.1 " : "10.77.0.1 ") + FIRST + "\n");
    }
    for (int net = 0; net < 2; net++) {
      run("ip", "-n", middle, "link", "add", "br" + net, "type", "bridge");
      run("ip", "-n", middle, "link", "set", "br" + net, "up");
      for (int host = 0; host < 2; host++) {
        String inside = "net" + net;
        run(
            "ip",
            "link",
            "add",
            inside,
            "netns",
            name(host),
            "type",
            "veth",
            "peer",
            "name",
            port(net, host),
            "netns",
            middle);
        String address = "10.%d.0.%d/24".formatted(77 + net, host + 1);
        run("ip", "-n", name(host), "addr", "add", address, "dev", inside);
        run("ip", "-n", name(host), "link", "set", inside, "up");
        run("ip", "-n", middle, "link", "set", port(net, host), "master", "br" + net);
        run("ip", "-n", middle, "link", "set", port(net, host), "up");
      }
    }
  }

  private String name(int host) {
    return prefix + "h" + host;
  }

  private static String port(int net, int host) {
    return "p" + net + host;
  }

  /** What a command there begins with. */
  List<String> on(int host) {
    return List.of("ip", "netns", "exec", name(host));
  }

  /** Takes the second one's cable out. */
  void cut() throws IOException, InterruptedException {
    run("ip", "-n", middle, "link", "set", port(0, 1), "down");
  }

  void mend() throws IOException, InterruptedException {
    run("ip", "-n", middle, "link", "set", port(0, 1), "up");
  }

  /** The bytes that a host has sent. */
  long sent(int host, String network) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(on(host));
    command.addAll(List.of("cat", "/sys/class/net/" + network + "/statistics/tx_bytes"));
    Process process = new ProcessBuilder(command).start();
    String bytes = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return Long.parseLong(bytes.trim());
  }

  private static boolean succeeds(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.waitFor() == 0;
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s%n%s", String.join(" ", command), output).isZero();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (String namespace : namespaces) {
      succeeds("ip", "netns", "del", namespace);
      Path names = NAMES.resolve(namespace);
      Files.deleteIfExists(names.resolve("hosts"));
      Files.deleteIfExists(names);
    }
    namespaces.clear();
    try {
      Files.deleteIfExists(NAMES);
    } catch (DirectoryNotEmptyException e) {
      return; // somebody else's
    }
  }
}
