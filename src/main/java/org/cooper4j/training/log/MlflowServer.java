package org.cooper4j.training.log;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.cooper4j.internal.Json;

/** The few requests of MLflow's REST interface that a log makes. */
final class MlflowServer {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int NOT_FOUND = 404;

  private final String root;
  private final HttpClient client;

  MlflowServer(URI server, HttpClient client) {
    root = server.toString().replaceFirst("/*$", "") + "/api/2.0/mlflow/";
    this.client = client;
  }

  /** The id of a run, which is marked as running. */
  String run(String experiment, String run, long now) throws IOException {
    String experimentId = experiment(experiment);
    Optional<String> there = find(experimentId, run);
    if (there.isPresent()) {
      StringBuilder json = Json.text(new StringBuilder("{\"run_id\":"), there.get());
      post("runs/update", json.append(",\"status\":\"RUNNING\"}").toString());
      return there.get();
    }
    StringBuilder json = Json.text(new StringBuilder("{\"experiment_id\":"), experimentId);
    Json.text(json.append(",\"run_name\":"), run).append(",\"start_time\":").append(now);
    return field("run_id", post("runs/create", json.append('}').toString())).orElseThrow();
  }

  private String experiment(String name) throws IOException {
    String query = "experiments/get-by-name?experiment_name=" + encoded(name);
    HttpResponse<String> found = send(HttpRequest.newBuilder(URI.create(root + query)).GET());
    if (found.statusCode() != NOT_FOUND) {
      return field("experiment_id", checked(found)).orElseThrow();
    }
    StringBuilder json = Json.text(new StringBuilder("{\"name\":"), name).append('}');
    return field("experiment_id", post("experiments/create", json.toString())).orElseThrow();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private Optional<String> find(String experimentId, String run) throws IOException {
    StringBuilder json = Json.text(new StringBuilder("{\"experiment_ids\":["), experimentId);
    char quote = run.indexOf('\'') < 0 ? '\'' : '"'; // there is no escape
    String filter = "attributes.run_name = " + quote + run + quote;
    Json.text(json.append("],\"max_results\":1,\"filter\":"), filter).append('}');
    return field("run_id", post("runs/search", json.toString()));
  }

  /** The first field of that name, which has no escapes. */
  private static Optional<String> field(String name, String json) {
    Matcher field = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
    return field.find() ? Optional.of(field.group(1)) : Optional.empty();
  }

  String post(String method, String json) throws IOException {
    return checked(
        send(
            HttpRequest.newBuilder(URI.create(root + method))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(json))));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws IOException {
    try {
      return client.send(
          request.version(Version.HTTP_1_1).timeout(PATIENCE).build(), BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for MLflow", e);
    } catch (IOException e) {
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new IOException("MLflow at " + root + " does not answer: " + why, e);
    }
  }

  private static String checked(HttpResponse<String> response) throws IOException {
    if (response.statusCode() / 100 != 2) {
      throw new IOException(
          "MLflow refuses %s with %d: %s"
              .formatted(response.uri(), response.statusCode(), response.body().strip()));
    }
    return response.body();
  }
}
