package org.cooper4j.golden;

import static org.cooper4j.golden.GoldenTensors.scalarOrVector;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.pytorch.Adagrad;
import org.bytedeco.pytorch.AdagradOptions;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.OptimizerOptions;
import org.bytedeco.pytorch.OptimizerParamGroup;
import org.bytedeco.pytorch.OptimizerParamGroupVector;
import org.bytedeco.pytorch.RMSprop;
import org.bytedeco.pytorch.RMSpropOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.golden.GoldenFile.GroupSpec;
import org.cooper4j.golden.GoldenFile.OptimizerSpec;
import org.cooper4j.optim.torch.ExtraAdam;
import org.cooper4j.optim.torch.ExtraAdamOptions;
import org.cooper4j.optim.torch.ExtraSGD;
import org.cooper4j.optim.torch.ExtraSGDOptions;
import org.cooper4j.optim.torch.NuPI;
import org.cooper4j.optim.torch.NuPIInitType;
import org.cooper4j.optim.torch.NuPIOptions;

/** LibTorch's and cooper4j's optimizers from their JSON descriptions. */
final class GoldenOptimizers {
  private GoldenOptimizers() {}

  /** An optimizer of the named parameters. */
  static Optimizer make(OptimizerSpec spec, Map<String, Tensor> parameters, ScalarType dtype) {
    List<GroupSpec> groups = spec.groups();
    Optimizer optimizer =
        make(spec.type(), vector(groups.get(0), parameters), groups.get(0).options(), dtype);
    for (GroupSpec group : groups.subList(1, groups.size())) {
      Supplier<OptimizerOptions> options = () -> options(spec.type(), group.options(), dtype);
      optimizer.add_param_group(new OptimizerParamGroup(vector(group, parameters), options.get()));
      // LibTorch 2.13 takes an option that equals its class's default for one that was not given.
      OptimizerParamGroupVector all = optimizer.param_groups();
      all.get(all.size() - 1).set_options(options.get());
    }
    return optimizer;
  }

  private static TensorVector vector(GroupSpec group, Map<String, Tensor> parameters) {
    return new TensorVector(group.params().stream().map(parameters::get).toArray(Tensor[]::new));
  }

  /** An optimizer of one parameter group. */
  static Optimizer make(String type, TensorVector params, JsonObject json, ScalarType dtype) {
    OptimizerOptions options = options(type, json, dtype);
    return switch (type) {
      case "SGD" -> new SGD(params, (SGDOptions) options);
      case "Adam" -> new Adam(params, (AdamOptions) options);
      case "AdamW" -> new AdamW(params, (AdamWOptions) options);
      case "RMSprop" -> new RMSprop(params, (RMSpropOptions) options);
      case "Adagrad" -> new Adagrad(params, (AdagradOptions) options);
      case "ExtraSGD" -> new ExtraSGD(params, (ExtraSGDOptions) options);
      case "ExtraAdam" -> new ExtraAdam(params, (ExtraAdamOptions) options);
      default -> new NuPI(params, (NuPIOptions) options);
    };
  }

  private static OptimizerOptions options(String type, JsonObject json, ScalarType dtype) {
    return switch (type) {
      case "SGD" -> {
        SGDOptions options = new SGDOptions(number(json, "lr"));
        options.momentum().put(number(json, "momentum"));
        options.dampening().put(number(json, "dampening"));
        options.weight_decay().put(number(json, "weight_decay"));
        options.nesterov().put(flag(json, "nesterov"));
        yield options;
      }
      case "Adam" -> {
        AdamOptions options = new AdamOptions(number(json, "lr"));
        putBetas(options.betas(), json);
        options.eps().put(number(json, "eps"));
        options.weight_decay().put(number(json, "weight_decay"));
        options.amsgrad().put(flag(json, "amsgrad"));
        yield options;
      }
      case "AdamW" -> {
        AdamWOptions options = new AdamWOptions(number(json, "lr"));
        putBetas(options.betas(), json);
        options.eps().put(number(json, "eps"));
        options.weight_decay().put(number(json, "weight_decay"));
        options.amsgrad().put(flag(json, "amsgrad"));
        yield options;
      }
      case "RMSprop" -> {
        RMSpropOptions options = new RMSpropOptions(number(json, "lr"));
        options.alpha().put(number(json, "alpha"));
        options.eps().put(number(json, "eps"));
        options.weight_decay().put(number(json, "weight_decay"));
        options.momentum().put(number(json, "momentum"));
        options.centered().put(flag(json, "centered"));
        yield options;
      }
      case "Adagrad" -> {
        AdagradOptions options = new AdagradOptions(number(json, "lr"));
        options.lr_decay().put(number(json, "lr_decay"));
        options.weight_decay().put(number(json, "weight_decay"));
        options.initial_accumulator_value().put(number(json, "initial_accumulator_value"));
        options.eps().put(number(json, "eps"));
        yield options;
      }
      case "ExtraSGD" ->
          new ExtraSGDOptions(number(json, "lr"))
              .momentum(number(json, "momentum"))
              .dampening(number(json, "dampening"))
              .weightDecay(number(json, "weight_decay"))
              .nesterov(flag(json, "nesterov"));
      case "ExtraAdam" -> {
        JsonArray betas = json.getAsJsonArray("betas");
        yield new ExtraAdamOptions(number(json, "lr"))
            .betas(betas.get(0).getAsDouble(), betas.get(1).getAsDouble())
            .eps(number(json, "eps"))
            .weightDecay(number(json, "weight_decay"))
            .amsgrad(flag(json, "amsgrad"));
      }
      case "nuPI" -> nupiOptions(json, dtype);
      default -> throw new IllegalArgumentException("no optimizer of type " + type);
    };
  }

  private static NuPIOptions nupiOptions(JsonObject json, ScalarType dtype) {
    NuPIOptions options =
        new NuPIOptions(number(json, "lr"))
            .emaNu(number(json, "ema_nu"))
            .weightDecay(number(json, "weight_decay"))
            .initType(NuPIInitType.valueOf(json.get("init_type").getAsString()));
    JsonElement kp = json.get("Kp");
    JsonElement ki = json.get("Ki");
    options =
        kp.isJsonArray() ? options.kp(scalarOrVector(kp, dtype)) : options.kp(kp.getAsDouble());
    return ki.isJsonArray() ? options.ki(scalarOrVector(ki, dtype)) : options.ki(ki.getAsDouble());
  }

  /** The pointer shows a std::tuple, which some standard libraries lay out back to front. */
  private static void putBetas(DoublePointer betas, JsonObject json) {
    int first = betas.get(0) < betas.get(1) ? 0 : 1; // the defaults are 0.9 and 0.999
    betas.put(first, json.getAsJsonArray("betas").get(0).getAsDouble());
    betas.put(1 - first, json.getAsJsonArray("betas").get(1).getAsDouble());
  }

  private static double number(JsonObject json, String key) {
    return json.get(key).getAsDouble();
  }

  private static boolean flag(JsonObject json, String key) {
    return json.get(key).getAsBoolean();
  }
}
