<?xml version="1.0" encoding="UTF-8"?>
<!-- Makes Gradle's module metadata of the POM that is installed, in whose profiles Gradle does not look:
     a variant a platform, for builds that ask for one, and for builds that do not, one with the native
     jars of the platform $natives, or of all if it is `all`: of those whose own native jar there is. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:m="http://maven.apache.org/POM/4.0.0">
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="natives"/>
  <xsl:param name="java"/>

  <xsl:variable name="project" select="/m:project"/>
  <xsl:variable name="profiles" select="$project/m:profiles/m:profile"/>
  <xsl:variable name="dependencies" select="$project/m:dependencies/m:dependency[not(m:optional = 'true')]"/>

  <xsl:template match="/">
    <xsl:text>{
  "formatVersion": "1.1",
  "component": {
    "group": "</xsl:text><xsl:value-of select="$project/m:groupId"/><xsl:text>",
    "module": "</xsl:text><xsl:value-of select="$project/m:artifactId"/><xsl:text>",
    "version": "</xsl:text><xsl:value-of select="$project/m:version"/><xsl:text>"
  },
  "variants": [</xsl:text>
    <xsl:call-template name="variant">
      <xsl:with-param name="name">apiElements</xsl:with-param>
      <xsl:with-param name="usage">java-api</xsl:with-param>
      <xsl:with-param name="dependencies" select="$dependencies[m:scope = 'compile']"/>
    </xsl:call-template>
    <xsl:text>,</xsl:text>
    <xsl:call-template name="variant">
      <xsl:with-param name="name">runtimeElements</xsl:with-param>
      <xsl:with-param name="dependencies" select="$dependencies"/>
      <xsl:with-param name="natives" select="$profiles[$natives = 'all' or m:id = $natives]"/>
    </xsl:call-template>
    <xsl:for-each select="$profiles">
      <xsl:text>,</xsl:text>
      <xsl:call-template name="variant">
        <xsl:with-param name="name" select="concat(m:id, 'RuntimeElements')"/>
        <xsl:with-param name="dependencies" select="$dependencies"/>
        <xsl:with-param name="natives" select="."/>
        <xsl:with-param name="platform" select="m:id"/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:text>
  ]
}
</xsl:text>
  </xsl:template>

  <xsl:template name="variant">
    <xsl:param name="name"/>
    <xsl:param name="usage">java-runtime</xsl:param>
    <xsl:param name="dependencies"/>
    <xsl:param name="natives" select="/.."/>
    <xsl:param name="platform"/>
    <xsl:variable name="jars" select="$natives/m:dependencies/m:dependency"/>
    <xsl:variable name="own" select="$jars[m:groupId = $project/m:groupId and m:artifactId = $project/m:artifactId]"/>
    <xsl:text>
    {
      "name": "</xsl:text><xsl:value-of select="$name"/><xsl:text>",
      "attributes": {
        "org.gradle.category": "library",
        "org.gradle.dependency.bundling": "external",
        "org.gradle.jvm.version": </xsl:text><xsl:value-of select="$java"/><xsl:text>,
        "org.gradle.libraryelements": "jar",</xsl:text>
    <xsl:if test="$platform">
      <!-- Gradle's names of what JavaCPP calls macosx-arm64, linux-x86_64. -->
      <xsl:variable name="system" select="substring-before($platform, '-')"/>
      <xsl:variable name="architecture" select="substring-after($platform, '-')"/>
      <xsl:text>
        "org.gradle.native.architecture": "</xsl:text>
      <xsl:choose>
        <xsl:when test="$architecture = 'arm64'">aarch64</xsl:when>
        <xsl:otherwise><xsl:value-of select="translate($architecture, '_', '-')"/></xsl:otherwise>
      </xsl:choose>
      <xsl:text>",
        "org.gradle.native.operatingSystem": "</xsl:text>
      <xsl:choose>
        <xsl:when test="$system = 'macosx'">macos</xsl:when>
        <xsl:otherwise><xsl:value-of select="$system"/></xsl:otherwise>
      </xsl:choose>
      <xsl:text>",</xsl:text>
    </xsl:if>
    <xsl:text>
        "org.gradle.usage": "</xsl:text><xsl:value-of select="$usage"/><xsl:text>"
      },
      "dependencies": [</xsl:text>
    <xsl:apply-templates select="$dependencies | $jars[not(m:groupId = $project/m:groupId and m:artifactId = $project/m:artifactId)]"/>
    <xsl:text>
      ],
      "files": [
        </xsl:text>
    <xsl:call-template name="file"/>
    <xsl:for-each select="$own">
      <xsl:text>,
        </xsl:text>
      <xsl:call-template name="file">
        <xsl:with-param name="suffix" select="concat('-', m:classifier)"/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:text>
      ]
    }</xsl:text>
  </xsl:template>

  <xsl:template name="file">
    <xsl:param name="suffix"/>
    <xsl:variable name="jar" select="concat($project/m:artifactId, '-', $project/m:version, $suffix, '.jar')"/>
    <xsl:value-of select="concat('{ &quot;name&quot;: &quot;', $jar, '&quot;, &quot;url&quot;: &quot;', $jar, '&quot; }')"/>
  </xsl:template>

  <xsl:template match="m:dependency">
    <xsl:if test="position() > 1">,</xsl:if>
    <xsl:text>
        {
          "group": "</xsl:text><xsl:value-of select="m:groupId"/><xsl:text>",
          "module": "</xsl:text><xsl:value-of select="m:artifactId"/><xsl:text>",
          "version": { "requires": "</xsl:text><xsl:value-of select="m:version"/><xsl:text>" }</xsl:text>
    <xsl:if test="m:classifier">
      <xsl:text>,
          "thirdPartyCompatibility": {
            "artifactSelector": { "name": "</xsl:text><xsl:value-of select="m:artifactId"/>
      <xsl:text>", "type": "jar", "extension": "jar", "classifier": "</xsl:text><xsl:value-of select="m:classifier"/><xsl:text>" }
          }</xsl:text>
    </xsl:if>
    <xsl:text>
        }</xsl:text>
  </xsl:template>
</xsl:stylesheet>
