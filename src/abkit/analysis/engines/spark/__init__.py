"""Spark as an engine: for tables that one machine cannot read."""

from abkit.analysis.engines.spark.engine import Spark

__all__ = ["Spark"]
