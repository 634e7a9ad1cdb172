"""What moto answers otherwise than AWS does, mended; every module registers its own when it is imported."""
