/** Constrained optimisation for deep learning: Cooper's API over LibTorch. */
module org.cooper4j {
  requires transitive org.bytedeco.javacpp;
  requires transitive org.bytedeco.pytorch;
  requires java.net.http;
  requires org.slf4j;

  // For pictures; whoever draws some requires both.
  requires static java.desktop;
  requires static org.knowm.xchart;
  requires static me.tongfei.progressbar;
  requires static ojalgo;

  exports org.cooper4j;
  exports org.cooper4j.checkpoint;
  exports org.cooper4j.data;
  exports org.cooper4j.distributed;
  exports org.cooper4j.formulations;
  exports org.cooper4j.multipliers;
  exports org.cooper4j.optim;
  exports org.cooper4j.optim.torch;
  exports org.cooper4j.penalties;
  exports org.cooper4j.rates;
  exports org.cooper4j.solver;
  exports org.cooper4j.training;
  exports org.cooper4j.training.log;
  exports org.cooper4j.internal.natives; // for the native jars' modules

  // The module system adds the native jars, if they are on the module path, since they provide it.
  uses org.cooper4j.internal.natives.NativeJar;
}
