package org.cooper4j.training.log;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.cooper4j.internal.Json;
import org.cooper4j.internal.Log;
import org.cooper4j.training.Training;

/**
 * A run on an MLflow tracking server, by its REST interface; nothing has to be installed but the
 * server.
 *
 * <pre>{@code
 * try (var log = new MlflowLog(URI.create("http://localhost:5000"), "mnist", "first")) {
 *   log.parameter("level", 1.0);
 *   log.record(step, Map.of("loss", 0.25, "violation/norm", -0.1));
 * }
 * }</pre>
 *
 * <p>A run of that name in that experiment is gone on with, otherwise there will be one; {@link
 * #close()}, or the end of {@code fit}, marks it as finished. Numbers are sent once a second at
 * most, by the thread that records. What a server does not take then is kept, and tried again with
 * what follows, so that training does not end with its server: the log {@code org.cooper4j} says so
 * at warn.
 *
 * <p>Characters of a name that MLflow does not take become underscores. NaN is kept, and infinite
 * numbers become the largest that the server's database has.
 */
public final class MlflowLog extends TrainingLog {
  private static final long SEND_EVERY_MILLIS = 1000;

  /** More metrics in one request are refused. */
  private static final int AT_ONCE = 1000;

  /** While the server is away; the oldest go. */
  private static final int AT_MOST = 100_000;

  private final MlflowServer server;
  private final Clock clock;
  private final String runId;
  private final List<String> waiting = new ArrayList<>();
  private long lastSent;
  private boolean isAway;
  private boolean ended;

  /**
   * Starts a run, or goes on with the one of that name.
   *
   * @param server such as {@code http://localhost:5000}
   * @param experiment made if it is not there
   * @throws java.io.UncheckedIOException if the server cannot be reached or refuses
   */
  public MlflowLog(URI server, String experiment, String run) {
    this(server, experiment, run, HttpClient.newHttpClient());
  }

  /** The same by a client of yours, which may have a password, a proxy or certificates. */
  public MlflowLog(URI server, String experiment, String run, HttpClient client) {
    super(server);
    Objects.requireNonNull(experiment, "experiment");
    Objects.requireNonNull(run, "run");
    this.server = new MlflowServer(server, client);
    clock = Clock.systemUTC();
    runId = io(() -> this.server.run(experiment, run, clock.millis()));
    lastSent = clock.millis();
  }

  /** The run's id on the server. */
  public String runId() {
    return runId;
  }

  /**
   * Writes a parameter; a run has one value of each name.
   *
   * @throws IllegalStateException if this was closed
   * @throws java.io.UncheckedIOException if the server cannot be reached or refuses, as it does
   *     another value than before
   */
  public synchronized void parameter(String name, Object value) {
    requireOpen();
    StringBuilder json = start();
    Json.text(json.append(",\"key\":"), allowed(name));
    Json.text(json.append(",\"value\":"), String.valueOf(value));
    io(() -> server.post("runs/log-parameter", json.append('}').toString()));
  }

  /** The run. */
  @Override
  public Set<String> claims() {
    return Set.of("the run '" + runId + "'");
  }

  @Override
  void write(long step, Map<String, ? extends Number> values) {
    long now = clock.millis();
    values.forEach(
        (name, value) -> {
          StringBuilder metric = new StringBuilder("{\"key\":");
          Json.text(metric, allowed(name));
          Json.number(metric.append(",\"value\":"), value.doubleValue());
          metric.append(",\"timestamp\":").append(now).append(",\"step\":").append(step);
          waiting.add(metric.append('}').toString());
        });
    if (now - lastSent >= SEND_EVERY_MILLIS || waiting.size() >= AT_ONCE && !isAway) {
      try {
        send();
        isAway = false;
      } catch (IOException e) {
        if (!isAway) {
          Log.LOGGER.warn(
              "{}; up to {} metrics are kept until it answers", e.getMessage(), AT_MOST);
        }
        isAway = true;
        int over = waiting.size() - AT_MOST;
        if (over > 0) {
          waiting.subList(0, over).clear();
        }
      }
      lastSent = clock.millis();
    }
  }

  private void send() throws IOException {
    while (!waiting.isEmpty()) {
      List<String> part = waiting.subList(0, Math.min(AT_ONCE, waiting.size()));
      StringBuilder json = start().append(",\"metrics\":[").append(String.join(",", part));
      server.post("runs/log-batch", json.append("]}").toString());
      part.clear();
    }
  }

  /** Sends what waits, and marks the run as finished, or as failed. */
  @Override
  public synchronized void end(Training training) {
    requireOpen();
    io(() -> end(training.failure().isPresent() ? "FAILED" : "FINISHED"));
  }

  @Override
  void finish() throws IOException {
    if (!ended || !waiting.isEmpty()) {
      end("FINISHED");
    }
  }

  private void end(String status) throws IOException {
    send();
    StringBuilder json = start().append(",\"status\":\"").append(status).append('"');
    json.append(",\"end_time\":").append(clock.millis()).append('}');
    server.post("runs/update", json.toString());
    ended = true;
  }

  private StringBuilder start() {
    return Json.text(new StringBuilder("{\"run_id\":"), runId);
  }

  private static String allowed(String name) {
    return name.replaceAll("[^\\p{L}\\p{N}_\\-. :/]", "_");
  }
}
