"""Files of strangers on the regression page: tables of points and models."""

ROWS: dict[str, tuple[str, str]] = {
    "reading.late": ("Reading the file took too long, so it was given up.", "读取文件耗时过长，已放弃。"),
    "reading.lost": (
        "The process that read the file ended without an answer, so the file is refused.",
        "读取文件的进程没有给出结果就结束了，因此拒绝该文件。",
    ),
    # CSV.
    "csv.file": ("The file cannot be read: {reason}.", "无法读取文件：{reason}。"),
    "csv.empty": ("The file is empty.", "文件是空的。"),
    "csv.large": ("The file has {size} MB; at most {limit} MB are read.", "文件有 {size} MB，最多读取 {limit} MB。"),
    "csv.workbook": (
        "This is a workbook or an archive, not text. Save the sheet as CSV and upload that.",
        "这是工作簿或压缩包，不是文本。请把表格另存为 CSV 后上传。",
    ),
    "csv.binary": ("The file is not text, so it cannot be a CSV.", "文件不是文本，因此不可能是 CSV。"),
    "csv.one_column": (
        "The file has one column; x and y need two. Check the separator.",
        "文件只有一列，而 x 和 y 需要两列。请检查分隔符。",
    ),
    "csv.columns": (
        "The file has {count} columns; at most {limit} are read.",
        "文件有 {count} 列，最多读取 {limit} 列。",
    ),
    "csv.ragged": (
        "Line {line} has {count} cells where the first line has {expected}. Check the separator and that line.",
        "第 {line} 行有 {count} 个单元格，而首行有 {expected} 个。请检查分隔符和这一行。",
    ),
    "csv.broken": ("Line {line} cannot be read as CSV ({reason}).", "第 {line} 行无法按 CSV 读取（{reason}）。"),
    "csv.rows": (
        "Only {count} row(s) of numbers are left; a line needs at least two points.",
        "只剩 {count} 行数；一条直线至少需要两个点。",
    ),
    "csv.long": (
        "The file has {count} rows; at most {limit} are trained on.",
        "文件有 {count} 行，最多训练 {limit} 行。",
    ),
    "csv.no_numbers": (
        "{count} column(s) hold numbers; x and y need two. Check the separator and the decimal comma.",
        "有 {count} 列是数，而 x 和 y 需要两列。请检查分隔符和小数逗号。",
    ),
    "csv.choice": (
        "Choose at least one column for x and a different one for y.",
        "请至少为 x 选一列，并为 y 选另一列。",
    ),
    "csv.features": (
        "{count} columns are chosen for x; at most {limit} are allowed.",
        "为 x 选了 {count} 列，最多允许 {limit} 列。",
    ),
    "csv.typed": (
        "Line {line} of the table holds “{text}”, which is no number. Fill every cell or delete the row.",
        "表格第 {line} 行有“{text}”，它不是数。请填满每个单元格，或删去该行。",
    ),
    "csv.missing": (
        "{missing} row(s) miss a value and {unreadable} hold something that is no number.",
        "有 {missing} 行缺值，{unreadable} 行含有不是数的内容。",
    ),
    "csv.first": (
        "The first is on line {line}, column {column}: “{text}”.",
        "第一处在第 {line} 行“{column}”列：“{text}”。",
    ),
    "csv.drop": ("Leave those rows out", "去掉这些行"),
    "csv.read": ("{rows:,} rows; training uses {count:,} of them.", "共 {rows:,} 行，训练使用 {count:,} 行。"),
    # model.pkl.
    "model.large": (
        "The file is larger than {limit} KB; a linear model takes two.",
        "文件大于 {limit} KB，而线性模型只需 2 KB。",
    ),
    "model.unreadable": (
        "This is no file that torch.save wrote, or it is damaged. Save a state_dict and upload that.",
        "这不是 torch.save 写出的文件，或者已损坏。请保存 state_dict 后上传。",
    ),
    "model.hostile": (
        "The file asks to run code when it is loaded, so it was not loaded. Save model.state_dict(), not the model itself.",
        "加载这个文件会运行代码，因此没有加载。请保存 model.state_dict()，而不是模型本身。",
    ),
    "model.type": ("The file holds a {type}, not a state_dict.", "文件里是 {type}，不是 state_dict。"),
    "model.keys": (
        "The state_dict has the keys {found}; it needs linear.weight and linear.bias, or weight and bias.",
        "state_dict 的键是 {found}；需要 linear.weight 和 linear.bias，或 weight 和 bias。",
    ),
    "model.dtype": (
        "{name} is {type}; it must be a tensor of floating-point numbers.",
        "{name} 是 {type}，它必须是浮点张量。",
    ),
    "model.shape": (
        "{name} has shape {shape}; these points need {expected}.",
        "{name} 的形状是 {shape}，而这些点需要 {expected}。",
    ),
    "model.nonfinite": ("{name} holds numbers that are not finite.", "{name} 中有非有限的数。"),
}
