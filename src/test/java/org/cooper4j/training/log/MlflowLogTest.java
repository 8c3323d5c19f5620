package org.cooper4j.training.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.cooper4j.Python;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MlflowLogTest {
  /** Answers as MLflow does where there is no run yet, or refuses. */
  private static final class Stub implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<String> batches = Collections.synchronizedList(new ArrayList<>());
    private final List<String> methods = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean refuses;

    Stub() throws IOException {
      Thread thread = new Thread(this::serve);
      thread.setDaemon(true);
      thread.start();
    }

    private void serve() {
      while (!socket.isClosed()) {
        try (Socket client = socket.accept()) {
          answer(client);
        } catch (IOException e) {
          // closed, or by the client
        }
      }
    }

    private void answer(Socket client) throws IOException {
      InputStream in = new BufferedInputStream(client.getInputStream());
      String method = readLine(in).replaceFirst("^[A-Z]+ /*(.*/mlflow/)?([^ ?]*).*", "$2");
      int length = 0;
      for (String line = readLine(in); !line.isEmpty(); line = readLine(in)) {
        if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
          length = Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
        }
      }
      String body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
      methods.add(method);
      if (method.equals("runs/log-batch") && !refuses) {
        batches.add(body);
      }
      String answer = "{\"experiment_id\": \"7\", \"run\": {\"info\": {\"run_id\": \"r1\"}}}";
      client
          .getOutputStream()
          .write(
              "HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                  .formatted(refuses ? "503 Away" : "200 OK", answer.length(), answer)
                  .getBytes(StandardCharsets.UTF_8));
    }

    private static String readLine(InputStream in) throws IOException {
      StringBuilder line = new StringBuilder();
      for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
        if (c != '\r') {
          line.append((char) c);
        }
      }
      return line.toString();
    }

    URI uri() {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort() + "/");
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @TempDir private Path folder;

  private static JsonArray metrics(String batch) {
    return JsonParser.parseString(batch).getAsJsonObject().getAsJsonArray("metrics");
  }

  @Test
  void numbersAreSentInBatchesThatTheServerTakes() throws IOException {
    try (Stub stub = new Stub()) {
      try (MlflowLog log = new MlflowLog(stub.uri(), "experiment", "run")) {
        for (int step = 1; step <= 1300; step++) {
          log.record(step, Map.of("loss", 0.5, "violation/a,b", Double.NaN));
        }
      }
      assertThat(stub.batches).allMatch(batch -> metrics(batch).size() <= 1000);
      assertThat(stub.batches.stream().mapToInt(batch -> metrics(batch).size()).sum())
          .isEqualTo(2600);
      assertThat(String.join("", stub.batches))
          .contains("\"key\":\"violation/a_b\",\"value\":\"NaN\"");
      assertThat(stub.methods).endsWith("runs/log-batch", "runs/update");
    }
  }

  @Test
  void aServerThatGoesAwayStopsNoTrainingAndGetsEverythingLater() throws Exception {
    try (Stub stub = new Stub()) {
      try (MlflowLog log = new MlflowLog(stub.uri(), "experiment", "run")) {
        stub.refuses = true;
        for (int step = 1; step <= 2500; step++) {
          log.record(step, Map.of("loss", 0.5));
        }
        assertThat(stub.batches).isEmpty();
        stub.refuses = false;
      }
      assertThat(stub.batches).hasSize(3);
    }
  }

  @Test
  void aServerThatIsNotThereAndOneThatRefusesAreErrorsAtTheStart() throws IOException {
    URI nobody = URI.create("http://127.0.0.1:" + freePort());
    assertThatThrownBy(() -> new MlflowLog(nobody, "experiment", "run"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("MLflow at " + nobody + "/api/2.0/mlflow/ does not answer");
    try (Stub stub = new Stub()) {
      stub.refuses = true;
      assertThatThrownBy(() -> new MlflowLog(stub.uri(), "experiment", "run"))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("MLflow refuses ")
          .hasMessageContaining(" with 503");
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String get(URI uri) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).GET().build(), BodyHandlers.ofString())
        .body();
  }

  /** Starts {@code mlflow server} with a database of its own. */
  private Process start(int port) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getenv("COOPER4J_PYTHON"),
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri=sqlite:///" + folder.resolve("mlflow.db"),
            "--artifacts-destination=" + folder.resolve("artifacts"),
            "--host=127.0.0.1",
            "--workers=1",
            "--port=" + port);
    builder.environment().put("MLFLOW_DISABLE_TELEMETRY", "true");
    Process server =
        builder
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("server.log").toFile())
            .start();
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(5);
    while (true) {
      try {
        get(URI.create("http://127.0.0.1:" + port + "/health"));
        return server;
      } catch (IOException e) {
        assertThat(server.isAlive() && System.nanoTime() < deadline)
            .as(Files.readString(folder.resolve("server.log")))
            .isTrue();
        Thread.sleep(200);
      }
    }
  }

  private static void stop(Process server) throws InterruptedException {
    server.descendants().forEach(ProcessHandle::destroy);
    server.destroy();
    server.waitFor();
  }

  @Test
  void aServerOfMlflowHasTheRunAndARunOfThatNameIsGoneOnWith() throws Exception {
    Python.require();
    int port = freePort();
    Process server = start(port);
    try {
      URI uri = URI.create("http://127.0.0.1:" + port);
      String id;
      try (MlflowLog log = new MlflowLog(uri, "an experiment", "it's first")) {
        id = log.runId();
        log.parameter("level", 1.0);
        log.record(3, Map.of("loss", 0.25, "violation/norm, squared", -0.1));
        log.record(6, Map.of("loss", Double.NaN, "multiplier/norm", Double.POSITIVE_INFINITY));
        assertThatThrownBy(() -> log.parameter("level", 2.0))
            .isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("MLflow refuses ")
            .hasMessageContaining("level");
      }
      try (MlflowLog log = new MlflowLog(uri, "an experiment", "it's first")) {
        assertThat(log.runId()).isEqualTo(id);
        log.record(9, Map.of("loss", 0.125));
      }
      try (MlflowLog log = new MlflowLog(uri, "an experiment", "second")) {
        assertThat(log.runId()).isNotEqualTo(id);
      }

      String root = uri + "/api/2.0/mlflow/";
      JsonObject run =
          JsonParser.parseString(get(URI.create(root + "runs/get?run_id=" + id)))
              .getAsJsonObject()
              .getAsJsonObject("run");
      assertThat(run.getAsJsonObject("info").get("status").getAsString()).isEqualTo("FINISHED");
      assertThat(run.getAsJsonObject("info").get("run_name").getAsString()).isEqualTo("it's first");
      assertThat(run.getAsJsonObject("data").toString())
          .contains("violation/norm_ squared", "-0.1", "multiplier/norm", "\"level\"");
      String history = get(URI.create(root + "metrics/get-history?metric_key=loss&run_id=" + id));
      JsonArray losses =
          JsonParser.parseString(history).getAsJsonObject().getAsJsonArray("metrics");
      assertThat(losses)
          .extracting(m -> m.getAsJsonObject().get("step").getAsLong())
          .containsExactlyInAnyOrder(3L, 6L, 9L);
      assertThat(losses.get(0).getAsJsonObject().get("value").getAsDouble()).isEqualTo(0.25);
    } finally {
      stop(server);
    }
  }
}
