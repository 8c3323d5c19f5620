package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** Pictures are looked at where they are changed: COOPER4J_PICTURES names a folder for these. */
class PictureTest {
  @TempDir private Path temporary;

  private Path folder() {
    String kept = System.getenv("COOPER4J_PICTURES");
    return kept == null ? temporary : Path.of(kept);
  }

  static History training() {
    Random random = new Random(0);
    History history = new History();
    for (long step = 1; step <= 400; step++) {
      double progress = Math.exp(-step / 80.0);
      Map<String, Double> numbers = new LinkedHashMap<>();
      numbers.put("loss", 0.2 + 2 * progress + 0.1 * random.nextDouble());
      numbers.put("violation/norm", progress - 0.01 + 0.05 * random.nextGaussian());
      numbers.put("violation/rate", 0.5 * Math.cos(step / 30.0) * progress);
      numbers.put("multiplier/norm", 1 - progress);
      numbers.put("multiplier/rate", 0.3 * (1 - progress));
      numbers.put("max_violation", Math.max(0, progress - 0.01));
      numbers.put("accuracy", 1 - progress);
      history.add(step, numbers);
      if (step % 50 == 0) {
        history.add(step, Map.of("validation/loss", 0.3 + 2 * progress));
      }
    }
    return history;
  }

  private static BufferedImage image(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  private static int colours(BufferedImage image) {
    Set<Integer> colours = new HashSet<>();
    for (int x = 0; x < image.getWidth(); x += 2) {
      for (int y = 0; y < image.getHeight(); y += 2) {
        colours.add(image.getRGB(x, y));
      }
    }
    return colours.size();
  }

  @Test
  void aTrainingIsDrawnInLightAndInDark() throws IOException {
    for (boolean dark : new boolean[] {false, true}) {
      Picture picture = Picture.of(training()).smoothed(0.9).columns(3);
      if (dark) {
        picture.dark();
      }
      Path file = folder().resolve(dark ? "dark.png" : "light.png");
      picture.save(file);
      BufferedImage image = ImageIO.read(file.toFile());
      assertThat(image.getWidth()).isEqualTo(3 * 900);
      assertThat(image.getHeight()).isEqualTo(2 * 800);
      assertThat(colours(image)).isGreaterThan(20);
      assertThat((image.getRGB(1, 1) & 0xff) > 200).isEqualTo(!dark);
    }
  }

  @Test
  void anSvgIsWellFormedAndItsIdsAreUnique() throws Exception {
    Path file = folder().resolve("light.svg");
    Picture.of(training()).save(file);
    Picture.of(training()).dark().logarithmic().save(folder().resolve("dark.svg"));
    Element root =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(Files.readString(file))))
            .getDocumentElement();
    assertThat(root.getTagName()).isEqualTo("svg");
    Set<String> ids = new HashSet<>();
    NodeList all = root.getElementsByTagName("*");
    for (int i = 0; i < all.getLength(); i++) {
      String id = ((Element) all.item(i)).getAttribute("id");
      assertThat(id.isEmpty() || ids.add(id)).as(id).isTrue();
    }
    assertThat(ids).isNotEmpty();
    assertThat(root.getElementsByTagName("path").getLength()).isGreaterThan(50);
  }

  private static long coloured(XYChart chart) {
    BufferedImage image = new BufferedImage(450, 400, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    chart.paint(graphics, 450, 400);
    graphics.dispose();
    long count = 0;
    for (int x = 0; x < 450; x++) {
      for (int y = 0; y < 400; y++) {
        count += (image.getRGB(x, y) & 0xffffff) == 0x1f77b4 ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void aLegendHidesNoPointAndNoLine() {
    Random random = new Random(7);
    Set<LegendPosition> positions = new HashSet<>();
    for (int i = 0; i < 40; i++) {
      double[] xs = random.doubles(1 + random.nextInt(8)).toArray();
      double[] ys = random.doubles(xs.length).toArray();
      Panel panel = new Picture().panel("points");
      if (i % 2 == 0) {
        panel.points("a rather long label", xs, ys);
      } else {
        panel.marked("short", xs, ys);
      }
      XYChart chart = new LineChart(panel, Theme.LIGHT, 0).chart();
      LegendPosition position = chart.getStyler().getLegendPosition();
      positions.add(position);
      if (position != LegendPosition.OutsideS) {
        long shown = coloured(chart); // among them those in the legend
        chart.getStyler().setLegendVisible(false);
        assertThat(shown).as("%d: %s", i, position).isGreaterThanOrEqualTo(coloured(chart));
      }
    }
    assertThat(positions).hasSizeGreaterThanOrEqualTo(4).contains(LegendPosition.OutsideS);
  }

  @Test
  void aLegendThatWouldHideALineWithoutPointsThereIsOutside() {
    Panel panel = new Picture().panel("a cross");
    panel.line("up", new double[] {0, 1}, new double[] {0, 1});
    panel.line("down", new double[] {0, 1}, new double[] {1, 0});
    assertThat(new LineChart(panel, Theme.LIGHT, 0).chart().getStyler().getLegendPosition())
        .isEqualTo(LegendPosition.OutsideS);
  }

  static Map<String, double[]> awkward() {
    Map<String, double[]> cases = new LinkedHashMap<>();
    cases.put("empty", new double[0]);
    cases.put("one", new double[] {0.5});
    cases.put("nan", new double[] {Double.NaN, Double.NaN});
    cases.put("some_nan", new double[] {1, Double.NaN, 3, Double.POSITIVE_INFINITY, 2});
    cases.put("equal", new double[] {2, 2, 2});
    cases.put("zero", new double[] {0, 0, 0});
    cases.put("negative", new double[] {-1, -2, -3});
    cases.put("mixed", new double[] {-1, 0, 1e-3, 1e5});
    cases.put("huge", new double[] {1e308, -1e308, 1e80, -1e80});
    cases.put("tiny", new double[] {1e-300, 2e-300, 0, 1e-12});
    cases.put("close", new double[] {1, 1 + 1e-15, 1 + 2e-15});
    cases.put("offset", new double[] {1e9, 1e9 + 1, 1e9 + 3});
    cases.put("many", new Random(1).doubles(300_000).toArray());
    return cases;
  }

  static List<String> awkwardNames() {
    return List.copyOf(awkward().keySet());
  }

  @ParameterizedTest
  @MethodSource("awkwardNames")
  void nothingThatIsRecordedIsTooAwkward(String name) throws IOException {
    double[] ys = awkward().get(name);
    double[] xs = new double[ys.length];
    Arrays.setAll(xs, i -> i);
    Picture picture = new Picture().smoothed(0.5);
    for (boolean logarithmic : new boolean[] {false, true}) {
      for (String kind : List.of("line", "points")) {
        Panel panel = picture.panel(name + (logarithmic ? ", log" : ""));
        if (logarithmic) {
          panel.logarithmic();
        }
        panel.level(0);
        panel.level(1);
        if (kind.equals("line")) {
          panel.line("label", xs, ys);
        } else {
          panel.points(
              "label",
              Arrays.copyOf(xs, Math.min(50, xs.length)),
              Arrays.copyOf(ys, Math.min(50, ys.length)));
        }
      }
    }
    picture.columns(2).save(folder().resolve("awkward_" + name + ".png"));
    picture.save(folder().resolve("awkward_" + name + ".svg"));
    assertThat(Files.size(folder().resolve("awkward_" + name + ".svg"))).isLessThan(3_000_000);
  }

  @Test
  void aHistoryWithoutNumbersHasNothingToDraw() {
    assertThatThrownBy(() -> Picture.of(new History()).png())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no panel");
  }

  @Test
  void everyKindOfSeriesAndAMatrixAreDrawn() throws IOException {
    Picture picture = new Picture().columns(3);
    for (boolean dark : new boolean[] {false, true}) {
      double[] xs = {-2, 0, 2};
      picture
          .panel("kinds")
          .range(-2, 2)
          .area(new double[] {-2, 2, 2, -2}, new double[] {-2, -2, 1, -1})
          .colour(3)
          .points("points", xs, new double[] {1, 0, -1})
          .marked("marked", xs, new double[] {0, 1, 0})
          .dashed(xs, new double[] {-1, 0, 1});
      if (dark) {
        picture.dark();
      }
      Panel many = picture.panel("many lines").yLabel("λ");
      for (int i = 0; i < 20; i++) {
        many.line("line " + i, xs, new double[] {i, -i, i * i});
      }
      picture.panel("matrix").matrix(new double[][] {{0, 0.25}, {Double.NaN, 1}});
      picture.save(folder().resolve(dark ? "kinds_dark.png" : "kinds_light.png"));
    }
  }

  @Test
  void theTradeOffOfCandidatesIsDrawnWithTheBestOneAndAMixture() {
    double[] objectives = {0.1, 0.5, 0.4, 0.3};
    double[][] violations = {{0.3, 0.1}, {-0.1, -0.2}, {0.1, 0}, {0.05, 0.2}};
    Picture picture = new Picture();
    Panel panel =
        picture
            .panel("trade-off")
            .candidates(objectives, violations, 1)
            .mixture(new double[] {0.25, 0.75, 0, 0}, objectives, violations);
    assertThat(panel.series())
        .extracting(Panel.Series::label)
        .containsExactly("candidates", "best", null, "mixture");
    assertThat(panel.series().get(0).xs()).containsExactly(0.3, -0.1, 0.1, 0.2);
    assertThat(panel.series().get(1).ys()).containsExactly(0.5);
    assertThat(panel.series().get(3).xs()[0]).isCloseTo(0, within(1e-12));
    assertThat(panel.series().get(3).ys()[0]).isCloseTo(0.4, within(1e-12));
    picture.save(folder().resolve("trade_off.png"));
    assertThat(folder().resolve("trade_off.png")).isNotEmptyFile();
    assertThatThrownBy(() -> panel.mixture(new double[1], objectives, violations))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 probabilities of 4 objectives");
    assertThatThrownBy(() -> panel.candidates(new double[1], new double[][] {{}}, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("without violations");
  }

  @Test
  void mistakesAreSaid() {
    Picture picture = Picture.of(training());
    assertThatThrownBy(() -> picture.save(Path.of("training.jpg")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("training.jpg: expected the name of a picture, which ends with .png or .svg");
    assertThatThrownBy(() -> picture.smoothed(1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> picture.smoothed(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> picture.columns(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> picture.panel("a").line(new double[2], new double[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("panel 'a': 2 xs but 3 ys; give one of each a point");
    assertThatThrownBy(() -> picture.panel("a").matrix(new double[0][]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> picture.panel("a").range(1, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Draws, or prints what is missing. */
  public static final class Program {
    private Program() {}

    /** The argument is the file. */
    public static void main(String[] args) {
      try {
        Picture picture = new Picture();
        picture.panel("loss").line(new double[] {1, 2}, new double[] {2, 1});
        picture.save(Path.of(args[0]));
        System.out.println("drawn");
      } catch (IllegalStateException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private String run(String without, String file) throws Exception {
    List<String> classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> without.isEmpty() || !entry.contains(without))
            .toList();
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            String.join(File.pathSeparator, classPath),
            Program.class.getName(),
            temporary.resolve(file).toString());
    builder.environment().remove("DISPLAY");
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.strip();
  }

  @Test
  void drawingNeedsNoDisplayAndNamesTheDependencyThatIsMissing() throws Exception {
    assertThat(run("", "loss.png")).isEqualTo("drawn");
    assertThat(run("xchart", "loss.png"))
        .startsWith("pictures need XChart; add the dependency org.knowm.xchart:xchart:")
        .hasLineCount(1);
    assertThat(run("VectorGraphics2D", "loss.png")).isEqualTo("drawn");
    assertThat(run("VectorGraphics2D", "loss.svg")).startsWith("pictures need XChart; ");
  }
}
