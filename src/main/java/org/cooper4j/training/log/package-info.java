/** Where the numbers of a training go: TensorBoard, CSV, JSON lines, MLflow. */
package org.cooper4j.training.log;
