"""Outliers."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=40,
    title=("Outliers", "离群点"),
    notice=(
        "Squared errors let a few far points pull the line up. Choose the Huber loss and train again: "
        "it follows the many.",
        "平方误差让少数远点把直线拉高。改用 Huber 损失再训练：直线会跟随多数点。",
    ),
    sketch="x > (linear); (linear) > (r²)",
    state={"data": "outliers", "points": 60, "epochs": 2000},
)
