module consumer {
  requires org.cooper4j;
}
