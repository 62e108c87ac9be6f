"""The lesson: linear regression as a module, trained for 500 epochs."""

from engine.scenarios import Scenario

SCENARIO = Scenario(
    group="lesson",
    order=30,
    title=("Linear regression, 500 epochs", "线性回归，500 轮"),
    notice=(
        "Watch the weight walk to 2 and the bias to 1. Each epoch clears the gradients, runs forward, runs "
        "backward and takes one step; leave out zero_grad and see what happens.",
        "看权重走向 2、偏置走向 1。每一轮：梯度清零、前向、反向、更新一步；去掉 zero_grad 再看看会怎样。",
    ),
    sketch="x [weight] [bias] > (Linear); (Linear) y > (MSE)",
    program="""\
import torch
import torch.nn as nn
import numpy as np
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
model
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
predicted =model(torch.from_numpy(x_train).requires_grad_()).data.numpy()
predicted
#model save
torch.save(model.state_dict(),'model.pkl')
#model 读取
model.load_state_dict(torch.load('model.pkl'))
""",
)
