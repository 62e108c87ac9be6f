"""What the page shows is what PyTorch says: values, partials, samples, matrices, explanations, the chain rule."""

from __future__ import annotations

import math
import re

import pytest
import torch

from engine.chain_matrices import jacobian_latex, matrix_path_latex
from engine.chain_rule import link_latex, path_latex, step_latex, sum_latex
from engine.executors.base import Job
from engine.executors.inline import InlineExecutor
from engine.expression_answer import Answer, answer
from engine.expression_state import expressions_table
from engine.permalink import Setting
from engine.scenarios import load
from engine.trace import Trace, assemble, check

EXPRESSIONS = [name for name, one in load().items() if one.page == "expressions"]


def run(job: Job) -> Trace:
    """The one road, in this process."""
    return check(assemble(InlineExecutor().run(job), source=job.source))


def look(expression: str, at: str = "", *, holds: str = "", **settings: Setting) -> Answer:
    """The answer for that text and those numbers."""
    return answer(expressions_table().defaults() | {"expression": expression, "at": at, **settings}, run, holds=holds)


def test_value_and_partials_are_those_of_pytorch() -> None:
    x, y = torch.tensor(1.5, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    f = torch.sin(x * y) + x**2
    f.backward()  # type: ignore[no-untyped-call]
    found = look("sin(x*y) + x**2", "x=1.5; y=2").results
    assert found.value is not None
    assert found.value.elements == [f.item()]
    assert {name: one and one.elements for name, one in found.partials.items()} == {
        "x": [x.grad.item()],  # type: ignore[union-attr]
        "y": [y.grad.item()],  # type: ignore[union-attr]
    }


def test_the_curve_is_that_of_pytorch_with_both_derivatives() -> None:
    curve = look("x^3", "x=0.5", second=True).results.curve
    assert curve is not None
    assert curve.second is not None
    assert len(curve.xs) == len(curve.values) == len(curve.slopes) == len(curve.second) == 601
    xs = torch.linspace(-3, 3, 601)
    for got, true in ((curve.values, xs**3), (curve.slopes, 3 * xs**2), (curve.second, 6 * xs)):
        torch.testing.assert_close(torch.tensor(got), true, atol=1e-4, rtol=1e-4)
    assert curve.bend == pytest.approx(3.0)


def test_the_curve_of_an_element_moves_it_alone() -> None:
    curve = look("w @ x", "w=[1, 2]; x=[3, 5]", axis="w[1]").results.curve
    assert curve is not None
    assert curve.values == pytest.approx([3 + 5 * t for t in curve.xs], abs=1e-4)
    assert curve.slopes == pytest.approx([5.0] * 601)


def test_the_nudge_is_foretold_and_true() -> None:
    nudge = look("x^2", "x=3", nudge=0.5).results.nudge
    assert nudge is not None
    assert (nudge.predicted, nudge.true, nudge.slope) == (3.0, 3.25, 6.0)


def test_the_field_is_sampled_once_and_the_descent_is_that_of_the_rule() -> None:
    found = look("x**2 + 3*y**2", "x=1; y=1", view="contour", descend=True, lr=0.1, steps=5)
    field, path = found.results.field, found.results.path
    assert field is not None
    assert path is not None
    assert len(field.values) == 61 * 61
    place = 10 * 61 + 40  # row 10 is y, column 40 is x
    x, y = field.xs[40], field.ys[10]
    assert field.values[place] == pytest.approx(x * x + 3 * y * y, rel=1e-4)
    assert (field.first[place], field.second[place]) == pytest.approx((2 * x, 6 * y), rel=1e-4)
    assert path.xs == pytest.approx([0.8**step for step in range(6)], rel=1e-4)
    assert path.ys == pytest.approx([0.4**step for step in range(6)], rel=1e-4)
    again = look("x**2 + 3*y**2", "x=-2; y=0.3", view="contour", holds=found.field)
    assert (again.field, again.results.field) == (found.field, None)
    assert look("x**2 + 3*y**2 + 0*z", "z=1", view="contour", holds=found.field).results.field is not None


def test_jacobians_of_both_modes_and_the_hessian() -> None:
    found = look("tanh(W @ x)", "W=[[0.5, -1], [1, 0.3]]; x=[1, 0.5]", view="matrices").results
    assert found.summed
    assert found.hessian is None
    matrix, x = torch.tensor([[0.5, -1], [1, 0.3]]), torch.tensor([1, 0.5])
    by_x = torch.func.jacrev(lambda one: torch.tanh(matrix @ one))(x)
    assert found.jacobian is not None
    assert (found.jacobian.rows, found.jacobian.columns) == (2, 6)
    reverse = torch.tensor(found.jacobian.reverse).reshape(2, 6)
    torch.testing.assert_close(reverse[:, 4:], by_x)
    torch.testing.assert_close(reverse, torch.tensor(found.jacobian.forward).reshape(2, 6))
    hessian = look("x**2*y", "x=2; y=3", view="matrices").results.hessian
    assert hessian is not None
    assert hessian.reverse == pytest.approx([6, 4, 4, 0])


@pytest.mark.parametrize(
    ("text", "at", "code", "part"),
    [
        ("1 + log(x)", "x=-1", "domain", "log(x)"),
        ("0*log(x)", "x=0", "zero", "log(x)"),
        ("2 * (1/(x - 1))", "x=1", "division", "1/(x - 1)"),
        ("sqrt(x - 2)", "x=0", "domain", "sqrt(x - 2)"),
        ("exp(100*x) - 1", "x=2", "overflow", "exp(100*x)"),
        ("x^0.5 + 1", "x=-1", "power", "x^0.5"),
        ("sqrt(x) + x", "x=0", "gradient", "sqrt(x)"),
    ],
)
def test_what_is_not_finite_is_explained_where_it_first_appears(text: str, at: str, code: str, part: str) -> None:
    found = look(text, at).results
    assert found.problem is None
    (why,) = found.warnings
    assert why.code == f"expressions.nonfinite.{code}"
    assert why.at is not None
    assert text[slice(*why.at)] == part


def test_what_pytorch_refuses_keeps_its_words_and_its_place() -> None:
    text = "1 + log(softmax(z)[5])"
    problem = look(text, "z=[1, 2, 3]").results.problem
    assert problem is not None
    assert "index 5 is out of bounds" in problem.message
    assert problem.at is not None
    assert text[slice(*problem.at)] == "softmax(z)[5]"


def test_numbers_that_do_not_fit_give_way_to_a_guess() -> None:
    """x was a number; under @ it must be a vector."""
    found = look("relu(w @ x + b)", "x=1.5")
    assert found.results.problem is None
    assert found.values["x"].shape == (3,)
    assert look("softmax(z).sum()", "z=2").values["z"].shape == ()


def test_double_precision_is_double() -> None:
    found = look("log(2)*x", "x=1", dtype="float64").results
    assert found.value is not None
    assert found.value.elements == [math.log(2)]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_example_shows_what_its_program_prints(name: str) -> None:
    """The program that opens on the Program page says the same value."""
    found = answer(expressions_table().defaults(name), run)
    assert found.results.problem is None
    assert found.results.value is not None
    opened = run(Job(found.program))
    assert opened.outcome is not None
    assert opened.outcome.kind == "finished"
    printed = "".join(step.printed for step in opened.steps)
    first = re.search(r"-?\d+\.\d*(e[-+]\d+)?", printed)
    assert first is not None
    assert float(first.group()) == pytest.approx(found.results.value.elements[0], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    "text", ["sin(x*y) + x**2", "x*x*x", "1/x + y^x - max(x, 0)", "sqrt(abs(x)) / y", "-x.tanh() * sigmoid(y)*3 + 2"]
)
def test_the_paths_add_up_to_the_partials(text: str) -> None:
    found = look(text, "x=1.3; y=0.7", chain=True)
    assert found.steps is not None
    assert found.proof is not None
    for variable, paths in found.steps.paths.items():
        products = []
        for path in paths:
            factors = [found.proof.locals[link.later, link.earlier] for link in path]
            products.append(math.prod(factors))
        assert found.proof.products[variable] == pytest.approx(products, rel=1e-4)
        partial = found.results.partials[variable]
        assert partial is not None
        assert found.proof.sums[variable] == pytest.approx(partial.elements[0], rel=1e-4)


def test_the_chain_rule_is_written_with_its_numbers() -> None:
    found = look("sin(x*y) + x**2", "x=1.5; y=2", chain=True)
    steps, numbers = found.steps, found.proof
    assert steps is not None
    assert numbers is not None
    assert [step_latex(line, numbers.values) for line in steps.lines] == [
        r"v_{1} = x \cdot y = 3",
        r"v_{2} = \sin\left(v_{1}\right) = 0.1411",
        r"v_{3} = x^{2} = 2.25",
        r"v_{4} = v_{2} + v_{3} = 2.391",
    ]
    assert link_latex(steps.lines[1].links[0], numbers) == (
        r"\frac{\partial v_{2}}{\partial v_{1}} = \cos\left(v_{1}\right) = \cos\left(3\right) = -0.99"
    )
    assert path_latex(steps.paths["x"][1], numbers.products["x"][1], numbers).endswith(r"= 1 \cdot 3 = 3")
    assert sum_latex("v4", "x", numbers.products["x"], numbers.sums["x"]).endswith("= (-1.98) + 3 = 1.02")


@pytest.mark.parametrize(
    "text",
    [
        "relu(w @ x + b)",
        "log(softmax(z)[1])",
        "W2 @ relu(W1 @ x + b1) + b2",
        "x @ A @ x + sum(x)",
        "sum((w*x - y)**2)",
        "[x*y, x + y]",
        "det(A) * trace(A)",
    ],
)
def test_the_paths_of_matrices_add_up_to_the_gradient(text: str) -> None:
    found = look(text, "w=[1, -2, 3]" if text.startswith(("relu", "sum")) else "", chain=True)
    numbers = found.matrices
    assert found.steps is not None
    assert found.proof is None
    assert numbers is not None
    for variable, paths in found.steps.paths.items():
        partial = found.results.partials[variable]
        assert partial is not None
        assert numbers.sums[variable].elements == pytest.approx(partial.elements, rel=1e-4, abs=1e-6)
        summed = torch.zeros(len(partial.elements))
        for path in paths:
            product = torch.ones(1, numbers.locals[path[0].later, path[0].earlier].shape[0])
            for link in path:
                block = numbers.locals[link.later, link.earlier]
                product = product @ torch.tensor(block.elements).reshape(block.shape)
            summed += product[0]
        assert summed.tolist() == pytest.approx(partial.elements, rel=1e-4, abs=1e-5)


def test_the_chain_rule_of_matrices_is_written() -> None:
    found = look("relu(w @ x + b)", "w=[1, 2]; x=[3, -1]; b=0.5", chain=True)
    steps, numbers = found.steps, found.matrices
    assert steps is not None
    assert numbers is not None
    first = steps.lines[0]
    assert jacobian_latex(first.links[0], first.code, numbers) == (
        r"\frac{\partial v_{1}}{\partial w} = x^{\top} = \begin{bmatrix} 3 & -1 \end{bmatrix}"
    )
    assert matrix_path_latex(steps.paths["w"][0], numbers.products["w"][0], numbers).endswith(
        r"= 1 \cdot 1 \cdot \begin{bmatrix} 3 & -1 \end{bmatrix} = \begin{bmatrix} 3 & -1 \end{bmatrix}"
    )
    large = look("W @ x", "W=[[1,2,3,4],[1,2,3,4]]", chain=True)
    assert large.steps is not None
    assert large.matrices is not None
    path = matrix_path_latex(large.steps.paths["x"][0], large.matrices.products["x"][0], large.matrices)
    assert path.startswith(
        r"\mathbf{1}^{\top} \cdot \frac{\partial v_{1}}{\partial x} = \mathbf{1}^{\top} \cdot \begin{bmatrix}"
    )
    last = large.steps.lines[-1]
    assert jacobian_latex(last.links[0], last.code, large.matrices).endswith(
        r"I \otimes x^{\top} = \left[2 \times 8\right]"
    )


def test_vectors_have_no_numbers_for_factors_and_long_texts_no_chain() -> None:
    found = look("relu(w @ x)", "", chain=True)
    assert found.steps is not None
    assert found.proof is None
    assert look("+".join(["x*x*x*y"] + [f"sin({n}*x)" for n in range(20)]), chain=True).steps is None
