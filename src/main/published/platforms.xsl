<?xml version="1.0" encoding="UTF-8"?>
<!-- The names of the platforms in pom.xml, with commas between them. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:m="http://maven.apache.org/POM/4.0.0">
  <xsl:output method="text" encoding="UTF-8"/>

  <xsl:template match="/">
    <xsl:for-each select="m:project/m:profiles/m:profile[m:activation/m:os]">
      <xsl:if test="position() > 1">,</xsl:if>
      <xsl:value-of select="m:id"/>
    </xsl:for-each>
  </xsl:template>
</xsl:stylesheet>
