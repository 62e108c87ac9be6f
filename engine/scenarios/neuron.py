"""One neuron."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="expressions",
    page="expressions",
    order=40,
    title=("One neuron", "一个神经元"),
    notice=(
        "Two vectors go in and one number comes out. While relu is open, the gradient of w is x; make b so "
        "small that relu closes, and every gradient is 0.",
        "两个向量进去，一个数出来。relu 打开时，w 的梯度就是 x；把 b 调小到 relu 关闭，所有梯度都是 0。",
    ),
    sketch="[w] x > (@); (@) [b] > (+); (+) > (relu); (relu) > f",
    state={
        "expression": "relu(w @ x + b)",
        "at": "w=[0.5, -1.0, 2.0]; x=[1.0, 0.5, 0.8]; b=0.3",
        "axis": "b",
    },
)
