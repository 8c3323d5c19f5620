"""Rank 1 of a group whose rank 0 is org.cooper4j.distributed.ProcessGroup: trains its rows of the
batches with Python's Cooper, and writes where it ends.

    python distributed_rank.py PORT FILE

Only what is sent is ours: torch.distributed's store and Gloo, buffers and texts as
native/src/distributed has them.
"""

import io
import sys
from datetime import timedelta

import torch
import torch.distributed as dist
from cooper import CMPState, ConstraintState, optim

import distributed_case as case

KINDS = ["AUGMENTED_STRICT", "NORMS", "ROWS"]
DTYPES = {torch.float64: "Double", torch.int64: "Long", torch.uint8: "Byte"}
TIMEOUT = timedelta(seconds=60)


def describe(tensor):
    return DTYPES[tensor.dtype] + str(list(tensor.shape))


class Group:
    """One collective after the other; all but the second of a call are of the same size."""

    def __init__(self, port, rank, size):
        self.rank, self.size, self.calls = rank, size, 0
        self.store = dist.TCPStore("127.0.0.1", port, size, False, TIMEOUT, wait_for_workers=False)
        if self.store.add("routes", 1) == size:
            self.store.set("routes known", "1")
        options = dist.ProcessGroupGloo._Options()
        options._devices = [dist.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
        options._timeout = TIMEOUT
        self.gloo = dist.ProcessGroupGloo(self.store, rank, size, options)

    def all_reduce(self, tensor):
        self.gloo.allreduce([tensor]).wait()
        return tensor

    def sum(self, what, values=torch.empty(0)):
        self.calls += 1
        checksum = 14695981039346656037
        for byte in (what + " of " + str(values.numel())).encode():
            checksum = (checksum ^ byte) * 1099511628211 % 2**64
        low, high = checksum & 0xFFFFF, checksum >> 20 & 0xFFFFF
        buffer = torch.zeros(512)
        buffer[:4] = torch.tensor([low, low**2, high, high**2], dtype=torch.float64)
        fits = 4 + values.numel() <= 512
        if fits:
            buffer[4 : 4 + values.numel()] = values
        sums = self.all_reduce(buffer).tolist()
        if self.size * sums[1] != sums[0] ** 2 or self.size * sums[3] != sums[2] ** 2:
            self.store.set(f"call/{self.calls}/{self.rank}", what)
            theirs = self.store.get(f"call/{self.calls}/0").decode()
            raise RuntimeError(f"Java has\n{theirs}\nPython has\n{what}")
        return buffer[4 : 4 + values.numel()] if fits else self.all_reduce(values.clone())

    def broadcast(self, tensor):
        self.sum("broadcast from 0\n" + describe(tensor))
        content = torch.frombuffer(bytearray(tensor.numpy().tobytes()), dtype=torch.uint8)
        self.gloo.broadcast([content], dist.BroadcastOptions()).wait()
        return content.view(tensor.dtype).view(tensor.shape)

    def gather(self, tensors, counts):
        """The rows of all, whose numbers counts[tensor][rank] are."""
        aligned = lambda size: (size + 15) // 16 * 16  # noqa: E731
        per_row = [t.element_size() * t[:1].numel() if len(t) else t.element_size() for t in tensors]
        sizes = [
            [aligned(int(counts[i][r]) * per_row[i]) for i in range(len(tensors))]
            for r in range(self.size)
        ]
        most = max(map(sum, sizes))
        mine = bytearray()
        for i, tensor in enumerate(tensors):
            content = tensor.detach().numpy().tobytes()
            mine += content + bytes(sizes[self.rank][i] - len(content))
        mine = torch.frombuffer(mine + bytes(most - len(mine)), dtype=torch.uint8)
        every = torch.zeros(most * self.size, dtype=torch.uint8)
        self.gloo._allgather_base(every, mine).wait()
        joined = []
        for i, tensor in enumerate(tensors):
            parts = []
            for r in range(self.size):
                start = r * most + sum(sizes[r][:i])
                part = every[start : start + int(counts[i][r]) * per_row[i]].clone()
                parts.append(part.view(tensor.dtype))
            joined.append(torch.cat(parts))
        return joined


class Through(torch.autograd.Function):
    """The value of all processes, with the gradient of this one's."""

    @staticmethod
    def forward(context, own, value, back):
        context.back = back
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        return context.back(gradient), None, None


def whole(group, own, samples, w, names):
    """CMPState over all rows of the state over this rank's."""
    texts, tensors, has_rows = ["the loss"], [own.loss], [False]
    for name, state in sorted(zip(names, own.observed_constraints.values())):
        rows = state.constraint_features is not None
        texts.append(f"primal dual constraint '{name}': violation")
        tensors.append(state.violation)
        has_rows.append(rows)
        for what, tensor in [
            ("strict violation", state.strict_violation),
            ("features", state.constraint_features),
        ]:
            if tensor is not None:
                texts.append(f"constraint '{name}': {what}")
                tensors.append(tensor)
                has_rows.append(rows)
    texts.append("misc accuracy")
    tensors.append(own.misc["accuracy"])
    has_rows.append(False)
    text = "a roll\nsamples\n"
    slots = [float(samples), 0.0, 0.0, 0.0]
    for name, tensor, rows in zip(texts, tensors, has_rows):
        text += name + str(tensor.dtype).replace("torch.", " ")
        text += "[] a row\n" if rows else str(list(tensor.shape)) + "\n"
        if not rows:
            slots += [v * samples if samples else 0.0 for v in tensor.detach().flatten().tolist()]
    for tensor, rows in zip(tensors, has_rows):
        slots.append(float(tensor.requires_grad))
        slots += [float(len(tensor) * (r == group.rank)) for r in range(group.size) if rows]
    text += f"nothing more\nvariable {describe(w)}\n"
    sums = group.sum(text, torch.tensor(slots))

    weight, at = sums[0].item(), 4
    values = []
    for tensor, rows in zip(tensors, has_rows):
        values.append(None if rows else (sums[at : at + tensor.numel()] / weight).view(tensor.shape))
        at += 0 if rows else tensor.numel()
    counts = []
    for rows in has_rows:
        at += 1
        if rows:
            counts.append(sums[at : at + group.size])
            at += group.size
    joined = iter(group.gather([t for t, rows in zip(tensors, has_rows) if rows], counts))
    # Rows are dealt in turn.
    dealt = [(row, r) for r in range(group.size) for row in range(int(counts[0][r]))]
    order = torch.tensor(sorted(range(len(dealt)), key=dealt.__getitem__))
    places = torch.argsort(order)[[i for i, (_, r) in enumerate(dealt) if r == group.rank]]
    for i, (tensor, rows) in enumerate(zip(tensors, has_rows)):
        if rows:
            values[i] = next(joined)[order]
            back = lambda g: g[places]  # noqa: E731
        else:
            back = lambda g: g * (samples / weight) if samples else None  # noqa: E731
        if tensor.requires_grad:
            values[i] = Through.apply(tensor, values[i], back)
    found = dict(zip(texts, values))
    return CMPState(
        loss=found["the loss"],
        observed_constraints={
            constraint: ConstraintState(
                found[f"primal dual constraint '{name}': violation"],
                constraint_features=found.get(f"constraint '{name}': features"),
                strict_violation=found.get(f"constraint '{name}': strict violation"),
            )
            for name, constraint in zip(names, own.observed_constraints)
        },
    )


class Distributed(case.Problem):
    def __init__(self, group):
        super().__init__(*KINDS)
        self.group = group

    def compute_cmp_state(self, step):
        indices = case.rows(step, self.group.rank, self.group.size)
        own = super().compute_cmp_state(indices)
        return whole(self.group, own, len(indices), self.w, self.kinds)


def signature():
    return (
        "distribute SimultaneousOptimizer\ngroup.compare(false)\n"
        + "constraint 'augmented_strict': INEQUALITY, AugmentedLagrangian, DenseMultiplier "
        + "float64[1], DensePenaltyCoefficient float64[1]\n"
        + "constraint 'norms': EQUALITY, Lagrangian, DenseMultiplier float64[2]\n"
        + "constraint 'rows': INEQUALITY, Lagrangian, IndexedMultiplier float64[48, 1]\n"
        + "primal SGD\nprimal parameter float64[3]\ndual SGD\n"
        + "".join(f"dual parameter float64[{n}]\n" for n in ("1", "2", "48, 1"))
    )


def main(port, file):
    group = Group(port, rank=1, size=2)
    problem = Distributed(group)
    primal = torch.optim.SGD([problem.w], lr=0.3)
    dual = torch.optim.SGD(problem.dual_parameters(), lr=0.3, maximize=True)
    optimizer = optim.SimultaneousOptimizer(problem, primal, dual)

    group.sum(signature())
    with torch.no_grad():
        problem.w.copy_(group.broadcast(torch.ones(case.FEATURES)))
    checkpoint = io.BytesIO()
    while length := int(group.broadcast(torch.zeros(1, dtype=torch.int64))):
        checkpoint.write(group.broadcast(torch.zeros(length, dtype=torch.uint8)).numpy().tobytes())
    checkpoint.seek(0)
    states = torch.load(checkpoint)
    problem.load_state_dict(states["problem"])
    optimizer.load_state_dict(states["optimizer"])

    def sum_gradients(*unused):
        w = problem.w
        own = torch.zeros_like(w) if w.grad is None else w.grad
        sums = group.all_reduce(torch.cat([own, torch.ones(1) * (w.grad is not None)]))
        w.grad = sums[:-1].clone()

    primal.register_step_pre_hook(sum_gradients)
    updater = case.updater()
    for step in range(len(case.BATCHES)):
        out = optimizer.roll(compute_cmp_state_kwargs={"step": step})
        updater.step(out.cmp_state.observed_constraints)
    with open(file, "w") as out:
        out.write(case.line("python", problem.variables()))


main(int(sys.argv[1]), sys.argv[2])
