"""What a computation is: operations, shapes, nodes, graphs."""

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import ROWS, Dim, Rows, Shape
from clearprop.nodes.text import parse, text

__all__ = ["ROWS", "Dim", "Graph", "Node", "Rows", "Shape", "node", "parse", "text"]
