"""The lab's AWS: moto keeps the state; what moto lacks or gets wrong about access and SSM is here."""
