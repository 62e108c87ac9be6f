"""softmax before cross_entropy, which applies it again."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="silent",
    order=10,
    title=("Softmax before cross_entropy", "cross_entropy 之前多做了 softmax"),
    notice=(
        "No error, no warning, a wrong answer: cross_entropy takes raw scores and does the softmax itself. "
        "Done twice, the loss of three classes cannot fall below 0.55, and an answer that is surely wrong "
        "gets almost no gradient.",
        "没有报错，没有警告，但结果不对：cross_entropy 要的是原始分数，softmax 由它自己做。做了两遍，三分类的"
        "损失不可能低于 0.55，而且错得很确定的答案几乎得不到梯度。",
    ),
    sketch="[scores] > (softmax); (softmax) y > (CE)",
    program="""\
import torch
import torch.nn.functional as F

labels = torch.tensor([0])
twice = torch.tensor([[0.0, 4.0, 0.0]], requires_grad=True)
once = torch.tensor([[0.0, 4.0, 0.0]], requires_grad=True)

wrong = F.cross_entropy(F.softmax(twice, dim=1), labels)
right = F.cross_entropy(once, labels)
wrong.backward()
right.backward()

print(wrong, right)
print(twice.grad)
print(once.grad)
""",
)
