<?xml version="1.0" encoding="UTF-8"?>
<!-- Makes Ant's tasks that attach the native jars of the platforms in pom.xml but $platform, of the folder
     and name that $jars begins with. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:m="http://maven.apache.org/POM/4.0.0" exclude-result-prefixes="m">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:param name="jars"/>
  <xsl:param name="platform"/>

  <xsl:template match="/">
    <project default="attach">
      <taskdef resource="org/apache/maven/ant/tasks/antlib.xml"/>
      <target name="attach">
        <xsl:for-each select="m:project/m:profiles/m:profile[m:activation/m:os and m:id != $platform]">
          <xsl:variable name="jar" select="concat($jars, '-', m:id, '.jar')"/>
          <fail message="there is no {$jar}">
            <condition><not><available file="{$jar}"/></not></condition>
          </fail>
          <attachartifact file="{$jar}" classifier="{m:id}"/>
        </xsl:for-each>
      </target>
    </project>
  </xsl:template>
</xsl:stylesheet>
