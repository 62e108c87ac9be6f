"""The lesson: one layer, softmax and binary cross entropy."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="lesson",
    order=10,
    title=("Softmax and binary cross entropy", "Softmax 与二元交叉熵"),
    notice=(
        "A whole layer in four lines. Each column of w.grad is the gradient of one output, the same in every "
        "row, because x is all ones. The grad_fn of the loss names the operation that made it.",
        "四行代码就是一整层。x 全为 1，所以 w.grad 的每一行都相同，每一列对应一个输出的梯度。loss 的 grad_fn "
        "写着产生它的运算。",
    ),
    sketch="x [w] > (@); (@) [b] > (+); (+) > (softmax); (softmax) y > (BCE)",
    program="""\
import torch
# 模型:z = x@w + b;激活函数:Softmax
x = torch.ones(5) # 输入张量,shape=(5,)
labels = torch.zeros(3) # 标签值,shape=(3,)
w = torch.randn(5,3,requires_grad=True) # 模型参数,需要计算微分, shape=(5,3)
b = torch.randn(3, requires_grad=True) # 模型参数,需要计算微分, shape=(3,)
z = x@w + b # 模型前向计算
outputs = torch.nn.functional.softmax(z) # 激活函数
print("z: ",z)
print("outputs: ",outputs)
loss = torch.nn.functional.binary_cross_entropy(outputs, labels)
# 查看loss函数的微分计算函数
print('Gradient function for loss =', loss.grad_fn)
# 调用loss函数的backward()方法计算模型参数的微分
loss.backward()
# 查看模型参数的微分值
print("w: ",w.grad)
print("b.grad: ",b.grad)
""",
)
