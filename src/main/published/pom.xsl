<?xml version="1.0" encoding="UTF-8"?>
<!-- Makes the POM that is installed of the flattened one: the dependencies with the classifier of the
     platform that was built go into profiles, one a platform of the project's own POM, where each
     brings its own; with them the native jar, which does not exist yet while it is built. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns="http://maven.apache.org/POM/4.0.0"
                xmlns:m="http://maven.apache.org/POM/4.0.0" exclude-result-prefixes="m">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:strip-space elements="*"/>

  <xsl:variable name="native" select="/m:project/m:dependencies/m:dependency[m:classifier]"/>

  <xsl:template match="@* | node()">
    <xsl:copy>
      <xsl:apply-templates select="@* | node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="m:project/m:dependencies/m:dependency[m:classifier] | m:project/m:profiles"/>

  <xsl:template match="m:project">
    <xsl:copy>
      <xsl:apply-templates select="@*"/>
      <!-- By this line Gradle knows that there is module metadata. -->
      <xsl:comment> do_not_remove: published-with-gradle-metadata </xsl:comment>
      <xsl:apply-templates select="node()"/>
      <profiles>
        <xsl:apply-templates select="document('../../../pom.xml')/m:project/m:profiles/m:profile[m:activation/m:os]" mode="platform">
          <xsl:with-param name="project" select="."/>
        </xsl:apply-templates>
      </profiles>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="m:profile" mode="platform">
    <xsl:param name="project"/>
    <profile>
      <xsl:apply-templates select="m:id | m:activation"/>
      <dependencies>
        <dependency>
          <xsl:apply-templates select="$project/m:groupId | $project/m:artifactId | $project/m:version"/>
          <classifier><xsl:value-of select="m:id"/></classifier>
          <scope>runtime</scope>
        </dependency>
        <xsl:variable name="platform" select="m:id"/>
        <xsl:for-each select="$native">
          <dependency>
            <xsl:apply-templates select="m:groupId | m:artifactId | m:version"/>
            <classifier><xsl:value-of select="$platform"/></classifier>
            <xsl:apply-templates select="m:scope"/>
          </dependency>
        </xsl:for-each>
      </dependencies>
    </profile>
  </xsl:template>
</xsl:stylesheet>
