"""SVG drawings of the model cards."""

from xml.etree import ElementTree

import numpy as np

from unet_demo.evaluation.report import Series, confusion_svg, curve_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_a_curve_goes_from_the_lower_left_to_the_upper_right_when_values_rise():
    steps = np.array([1, 2, 3])
    root = ElementTree.fromstring(curve_svg([Series("score", steps, steps / 3, "#000")]))
    points = root.find(f".//{SVG}polyline").get("points").split()
    (x0, y0), (x1, y1) = ([float(v) for v in points[i].split(",")] for i in (0, -1))
    assert x0 < x1 and y0 > y1


def test_a_confusion_matrix_gives_each_row_in_per_cent():
    matrix = np.array([[75, 25], [0, 0]])
    root = ElementTree.fromstring(confusion_svg(matrix, ("sea & sky", "boat")))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert [text for text in texts if text.isdigit()] == ["75", "25"]
    assert texts.count("sea & sky") == texts.count("boat") == 2
