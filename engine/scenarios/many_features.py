"""One feature against many."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="training",
    page="regression",
    order=60,
    title=("One feature against many", "一个特征与多个特征"),
    notice=(
        "Six features, seven parameters: the chart shows predicted against true values, and the bowl is "
        "a cut through two of the seven.",
        "六个特征，七个参数：图中是预测值对真实值，曲面是七个参数中两个的截面。",
    ),
    sketch="x1 x2 x3 > (linear); [w] [b] > (linear); (linear) > (MSE)",
    state={"data": "features", "features": 6, "points": 200, "lr": 0.1, "epochs": 200},
)
