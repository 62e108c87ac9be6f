"""The lesson: the same training, written for a GPU where there is one."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="lesson",
    order=40,
    title=("The same training on a GPU", "在 GPU 上做同样的训练"),
    notice=(
        "Here it runs on the CPU, since programs pasted by anyone never see the GPU. On a machine with one, "
        "model.to(device) moves the model but the inputs stay on the CPU: model(inputs) fails there with a "
        "device mismatch until inputs and labels are moved too.",
        "这里在 CPU 上运行：任何人粘贴的程序都看不到 GPU。在有 GPU 的机器上，model.to(device) 只搬动了模型，in"
        "puts 和 labels 仍在 CPU 上，于是 model(inputs) 会因设备不一致而报错；把它们也 .to(device) 即可。",
    ),
    sketch="x [model] > (Linear); (Linear) y > (MSE)",
    program="""\
import torch
import torch.nn as nn
import numpy as np
# #构建一个回归方程 y = 2*x+1
#构建输如数据,将输入numpy格式转成tensor格式
x_values = [i for i in range(11)]
x_train = np.array(x_values,dtype=np.float32)
x_train = x_train.reshape(-1,1)
y_values = [2*i + 1 for i in x_values]
y_train = np.array(y_values, dtype=np.float32)
y_train = y_train.reshape(-1,1)
## 线性回归模型: 本质上就是一个不加 激活函数的 全连接层
class LinearRegressionModel(nn.Module):
    def __init__(self, input_size, output_size):
        super(LinearRegressionModel, self).__init__()
        self.linear = nn.Linear(input_size, output_size)
    def forward(self, x):
        out = self.linear(x)
        return out
input_size = 1
output_size = 1
model = LinearRegressionModel(input_size, output_size)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model.to(device)
# 指定号参数和损失函数
epochs = 500
learning_rate = 0.01
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
criterion = nn.MSELoss()
# train model
for epoch in range(epochs):
    epochs+=1
    #注意 将numpy格式的输入数据转换成 tensor
    inputs = torch.from_numpy(x_train)
    labels = torch.from_numpy(y_train)
    #每次迭代梯度清零
    optimizer.zero_grad()
    #前向传播
    outputs = model(inputs)
    #计算损失
    loss = criterion(outputs, labels)
    #反向传播
    loss.backward()
    #updates weight and parameters
    optimizer.step()
    if epoch % 50 == 0:
        print("Epoch: {}, Loss: {}".format(epoch, loss.item()))
# predict model test,预测结果并且奖结果转换成np格式
predicted = model(torch.from_numpy(x_train).requires_grad_()).data.numpy()
predicted
#model save
torch.save(model.state_dict(),'model.pkl')
#model 读取
model.load_state_dict(torch.load('model.pkl'))
""",
)
