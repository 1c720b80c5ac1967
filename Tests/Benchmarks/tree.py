"""Trees for benchmarks: files of 50 people, most of them in small folders of projects, a quarter in big flat ones."""

import math
import multiprocessing
import os
import random

PEOPLE = 50
FIRST_UID = 20001
WORDS = ("model train data utils index test core config shard chunk run eval plot main base report cache input output "
         "result").split()
SUFFIXES = ".py .c .h .json .txt .md .js .so .parquet .npy .log .csv".split()


def make_file(folder, name, uid, rng):
    descriptor = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o644, dir_fd=folder)
    try:
        os.ftruncate(descriptor, min(int(math.exp(8 + 2.3 * rng.gauss(0, 1))), 4_000_000_000))
        # One in twenty changed hands.
        owner = FIRST_UID + rng.randrange(PEOPLE) if rng.random() < 0.05 else uid
        os.fchown(descriptor, owner, owner)
        stamp = 1_700_000_000_000_000_000 + rng.randrange(60_000_000 * 10**9)
        os.utime(descriptor, ns=(stamp, stamp))
    finally:
        os.close(descriptor)


def file_name(number, rng):
    return f"{rng.choice(WORDS)}_{rng.choice(WORDS)}_{number:05x}{rng.choice(SUFFIXES)}"


def make_person(job):
    """The files of one person: `count` of them, below ROOT/uNN and in ROOT/datasetNN."""
    root, person, count, seed = job
    rng = random.Random(seed * 1000 + person)
    uid = FIRST_UID + person
    projects = count * 3 // 4
    folders = [f"{root}/u{person:02}"]
    os.mkdir(folders[0])
    while len(folders) < projects // 12:
        near = folders[-1 - rng.randrange(min(len(folders), 40))] if rng.random() < 0.7 else rng.choice(folders)
        if near.count("/") > 16:
            near = folders[0]
        folders.append(f"{near}/{rng.choice(WORDS)}-{rng.choice(WORDS)}{len(folders):x}")
        os.mkdir(folders[-1])
    folders.append(f"{root}/dataset{person:02}")
    os.mkdir(folders[-1])
    for folder in folders:
        os.chown(folder, uid, uid)
    number = 0
    for index, folder in enumerate(folders):
        if folder == folders[-1]:
            share = count - number
        else:
            share = min(int(rng.expovariate(1 / 12)) + 1, projects - number, 200)
            if index == len(folders) - 2:
                share = projects - number
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(max(0, share)):
            make_file(descriptor, file_name(number, rng), uid, rng)
            number += 1
        os.close(descriptor)
    return number, len(folders)


def make(root, count, seed):
    """Makes ROOT with `count` files; how many files and folders there are."""
    os.makedirs(root)
    jobs = [(root, person, count // PEOPLE + (person < count % PEOPLE), seed) for person in range(PEOPLE)]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        made = pool.map(make_person, jobs, chunksize=1)
    return sum(files for files, _ in made), sum(folders for _, folders in made)


def change(root, count, seed):
    """Changes about `count` files of a few people; how many of each kind, as the book calls them."""
    rng = random.Random(seed)
    files = []
    for person in rng.sample(range(PEOPLE), 4):
        for top in (f"{root}/u{person:02}", f"{root}/dataset{person:02}"):
            for folder, _, names in os.walk(top):
                files += [f"{folder}/{name}" for name in names]
    rng.shuffle(files)
    count = min(count, len(files) // 2)
    share = count // 10
    done = {"created": share, "deleted": share, "renamed": share, "ownerChanged": 2 * share, "modified": 4 * share}
    take = iter(files)
    for _ in range(share):
        path = next(take)
        with open(f"{os.path.dirname(path)}/new-{seed}-{os.path.basename(path)}", "w"):
            pass
    for _ in range(share):
        os.unlink(next(take))
    for _ in range(share):
        path = next(take)
        os.rename(path, f"{path}.{seed}")
    for _ in range(2 * share):
        path = next(take)
        os.chown(path, FIRST_UID + PEOPLE + seed % 1000, -1)
    for _ in range(4 * share):
        with open(next(take), "ab") as file:
            file.write(b"x")
    return done
